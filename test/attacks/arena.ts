// A real node to be attacked: the whole program without its static policy, with secrets to be stolen and a neighbour to be disturbed.
import { mkdtemp, rm, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Thread } from '#lib/thread.ts';
import { pidsOf } from '../../bench/crash/victims.ts';
import { createAgents, DOUBLE, upload } from '../fixtures.ts';
import { isAlive } from '../processes.ts';
import { startSeed, type SeedProcess } from '../seed-process.ts';
import { until } from '../until.ts';
import { Canary } from './canary.ts';
import type { witness, Testimony } from './witness-thread.ts';

const SERVING_HOSTS = 2;
const WITHOUT_POLICY = new URL('./without-policy.mjs', import.meta.url).href;

/** Says how its realm looks: own members of everything built in, and what the simplest operations give. */
const FINGERPRINT = `
  const counts = [];
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    const value = globalThis[name];
    if (typeof value === 'function') counts.push(name, Reflect.ownKeys(value).length, Reflect.ownKeys(value.prototype ?? {}).length);
  }
  const text = [JSON.stringify({ a: [1] }), [...[1, 2]].length, 'abc'.slice(1), String(new Map([[1, 2]]).get(1)), typeof Date.now(), /a/.test('a'), ({}).seedPolluted, Object.keys({})].join();
  let hash = 7;
  for (const letter of counts.join() + text) hash = (hash * 31 + letter.codePointAt(0)) % 1_000_000_007;
  return { n: hash };`;

export class Arena implements AsyncDisposable {
  readonly seed: SeedProcess;
  readonly canary: Canary;
  readonly #folder: string;
  readonly #witness: Thread<typeof witness>;
  #print = 0;
  #outputRead = 0;

  static async start(): Promise<Arena> {
    const folder = await mkdtemp(join(tmpdir(), 'seed-arena-'));
    const dataDir = join(folder, 'data');
    await mkdir(dataDir);
    const canary = await Canary.start(join(dataDir, 'secret.txt'));
    await writeFile(join(dataDir, 'secret.txt'), canary.secret);
    const seed = await startSeed({ dataDir, env: { ...canary.env, NODE_OPTIONS: `--import=${WITHOUT_POLICY}`, LOG_LEVEL: 'info' } });
    const arena = new Arena({ folder, canary, seed });
    await createAgents(seed, [upload('double', DOUBLE), upload('innocent', FINGERPRINT, "isolation: 'call',")]);
    arena.#print = await arena.#fingerprint();
    const { url, token, nodePid } = seed;
    await arena.#witness.call('start', { url, token, nodePid, agent: 'double', input: { n: 21 }, expected: '{"n":42}' });
    return arena;
  }

  private constructor({ folder, canary, seed }: { folder: string; canary: Canary; seed: SeedProcess }) {
    this.#folder = folder;
    this.canary = canary;
    this.seed = seed;
    this.#witness = new Thread<typeof witness>({ url: new URL('./witness-thread.ts', import.meta.url), name: 'witness' });
  }

  /** Serving hosts, when they are all there: an attack is judged by itself, not by what the one before has left. */
  async servingHosts(): Promise<readonly number[]> {
    return until(
      () => pidsOf(this.seed, 'root/node/sandbox/serving'),
      (pids) => pids.length === SERVING_HOSTS,
    );
  }

  begin(): Promise<void> {
    this.#outputRead = this.seed.output().length;
    return this.#witness.call('begin');
  }

  seen(calmMs: number): Promise<Testimony> {
    return this.#witness.call('seen', calmMs);
  }

  /** What the program has written since `begin`. */
  output(): string {
    return this.seed.output().slice(this.#outputRead);
  }

  /** Whether it is still the process it was at the start. */
  isNodeAlive(): boolean {
    return isAlive(this.seed.nodePid);
  }

  /** Whether calls on the same hosts find their realm as it always was; null when they were not answered. */
  async isInnocentUntouched(): Promise<boolean | null> {
    const prints = await Promise.all([this.#fingerprint(), this.#fingerprint()]).catch(() => null);
    return prints === null ? null : prints.every((print) => print === this.#print);
  }

  async #fingerprint(): Promise<number> {
    const { status, body } = await this.seed.api<{ data: { n: number } }>('POST', '/api/agents/innocent/invoke', { input: { n: 1 } });
    if (status !== 200) throw new Error(`the innocent agent was not answered: ${JSON.stringify(body).slice(0, 500)}`);
    return body.data.n;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#witness.call('stop').catch(() => undefined);
    await this.#witness.close();
    await this.seed[Symbol.asyncDispose]();
    await this.canary[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
