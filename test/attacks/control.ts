// The positive control: escapes must succeed in node:vm, or a judge that sees none elsewhere is blind.
import { createInterface, type Interface } from 'node:readline';
import { spawnProcess, type ChildHandle } from '#lib/process.ts';
import { Compiler } from '#kernel/compiler/compiler.ts';
import { Canary } from './canary.ts';
import { filesOf, INPUT, type Payload } from './payload.ts';

const CHILD = new URL('./control-child.ts', import.meta.url).pathname;
const HANGS_MS = 5_000;

export class Control implements AsyncDisposable {
  readonly #compiler = new Compiler();
  /** Of its own: what escapes here leaves traces that are nobody else's. */
  readonly #canary: Canary;
  #child: { handle: ChildHandle; lines: AsyncIterator<string>; reader: Interface } | null = null;

  static async start(): Promise<Control> {
    return new Control(await Canary.start());
  }

  private constructor(canary: Canary) {
    this.#canary = canary;
  }

  /** Whether it escapes there: the same built script, the policy left out. */
  async escapes(payload: Payload): Promise<boolean> {
    const { js } = await this.#compiler.compileAgent(filesOf(payload, this.#canary.arms));
    const child = (this.#child ??= this.#start());
    child.handle.stdio[0]?.write(`${JSON.stringify({ js, input: INPUT })}\n`);
    // What hangs there has not escaped.
    const timer = setTimeout(() => child.handle.kill('SIGKILL'), HANGS_MS);
    const line = await child.lines.next();
    clearTimeout(timer);
    // One that ended its process: where it got to is in the folder.
    if (line.done === true) {
      this.#child = null;
      await child.handle.exited;
    }
    return this.#canary.isTold(String(line.value ?? '')) || (await this.#canary.traces()).includes(payload.name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child?.handle.kill('SIGKILL');
    await this.#child?.handle.exited;
    await this.#compiler.close();
    await this.#canary[Symbol.asyncDispose]();
  }

  #start(): { handle: ChildHandle; lines: AsyncIterator<string>; reader: Interface } {
    const handle = spawnProcess(process.execPath, ['--no-warnings', CHILD], { env: this.#canary.env, stdio: ['pipe', 'pipe', 'ignore'] });
    const reader = createInterface({ input: handle.stdio[1] as NodeJS.ReadableStream });
    return { handle, lines: reader[Symbol.asyncIterator](), reader };
  }
}
