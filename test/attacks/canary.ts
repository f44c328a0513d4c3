// What attacks are after and where they would leave their traces: a secret in the environment and in a file, a folder, a listener.
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import type { Arms } from './payload.ts';

export class Canary implements AsyncDisposable {
  readonly secret = `canary-${randomBytes(16).toString('hex')}`;
  readonly arms: Arms;
  readonly #folder: string;
  readonly #server: Server;
  readonly #heard: string[];

  /** @param file where the secret is kept, besides in the environment; the caller writes it there. Default: in a folder of its own. */
  static async start(file?: string): Promise<Canary> {
    const folder = await mkdtemp(join(tmpdir(), 'seed-canary-'));
    const heard: string[] = [];
    const server = createServer((socket) => {
      let name = '';
      heard.push(name);
      const index = heard.length - 1;
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => {
        name = (name + chunk.toString()).slice(0, 200);
        heard[index] = name.trim();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const canary = new Canary({ folder, file: file ?? join(folder, 'secret'), server, heard });
    await mkdir(canary.arms.dir);
    if (file === undefined) await writeFile(canary.arms.secret, canary.secret);
    return canary;
  }

  private constructor({ folder, file, server, heard }: { folder: string; file: string; server: Server; heard: string[] }) {
    const address = server.address();
    this.#folder = folder;
    this.#server = server;
    this.#heard = heard;
    this.arms = {
      dir: join(folder, 'made'),
      secret: file,
      port: typeof address === 'object' && address !== null ? address.port : 0,
    };
  }

  /** For the process that is attacked. */
  get env(): Record<string, string> {
    return { SEED_CANARY: this.secret };
  }

  /** Payloads that made a file or a connection, by name; a connection that said nothing is `somebody`. */
  async traces(): Promise<string[]> {
    return [...(await readdir(this.arms.dir)), ...this.#heard.map((name) => (name === '' ? 'somebody' : name))];
  }

  /** Whether a text tells the secret, or says that something of the host's was reached. */
  isTold(text: string): boolean {
    return text.includes(this.secret) || text.includes('REACHED ');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
