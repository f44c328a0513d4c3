// A coding agent's program as the runtime starts it, without the runtime: its command line, environment and input are taken down once by
// a program in its place.
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { spawnProcess } from '#lib/process.ts';

const SHIM = new URL('../src/lib/coding-cli/codex-path', import.meta.url).pathname;
/** Its own folders, as the runtime gives them. */
const HOMES = ['HOME', 'CODEX_HOME', 'TMPDIR'];

/** A stand-in for the program. */
export class CommandRecorder implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'seed-bare-'));
  /** To be started instead of the program. */
  readonly path = join(this.#folder, 'recorder');

  constructor() {
    const kept = join(this.#folder, 'kept');
    mkdirSync(kept);
    // It may be run by somebody else.
    chmodSync(this.#folder, 0o755);
    chmodSync(kept, 0o777);
    const script = `#!/bin/sh
[ "$1" = --version ] && exit 0
cat /proc/$$/environ > ${kept}/environment
cat > ${kept}/input
pwd > ${kept}/folder
cp -r . ${kept}/work
for argument in "$@"; do printf '%s\\0' "$argument"; [ -f "$argument" ] && cat "$argument" > ${kept}/file; done > ${kept}/arguments
`;
    writeFileSync(this.path, script, { mode: 0o755 });
  }

  /** What it was started with, for the program itself. */
  command(program: string): BareProgram {
    const kept = join(this.#folder, 'kept');
    const read = (name: string): string => readFileSync(join(kept, name), 'utf8');
    return new BareProgram(program, {
      arguments: read('arguments').split('\0').slice(0, -1),
      environment: Object.fromEntries(
        read('environment')
          .split('\0')
          .filter((pair) => pair !== '')
          .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
      ),
      input: read('input'),
      folder: read('folder').trim(),
      work: join(kept, 'work'),
      file: existsSync(join(kept, 'file')) ? join(kept, 'file') : null,
    });
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

interface Recorded {
  arguments: readonly string[];
  environment: Readonly<Record<string, string>>;
  input: string;
  /** That it was started in, and a copy of it. */
  folder: string;
  work: string;
  /** A copy of the file that one of its arguments names. */
  file: string | null;
}

export class BareProgram implements Disposable {
  readonly #program: string;
  readonly #recorded: Recorded;
  /** Where the runtime makes homes, but one for all runs. */
  readonly #home: string;

  constructor(program: string, recorded: Recorded) {
    this.#program = program;
    this.#recorded = recorded;
    const around = dirname(recorded.environment['HOME'] ?? '');
    this.#home = mkdtempSync(join(existsSync(around) ? around : dirname(recorded.work), 'seed-bare-home-'));
  }

  /** @returns milliseconds from its start to its end. @throws Error when it fails or leaves agent.ts as it was */
  async run(): Promise<number> {
    const { environment, input, folder, work } = this.#recorded;
    const own = `${work}-${process.hrtime.bigint()}`;
    cpSync(work, own, { recursive: true });
    const here = (text: string): string => text.replaceAll(folder, own);
    const args = this.#recorded.arguments.map((argument) => (this.#isFile(argument) ? (this.#recorded.file ?? argument) : here(argument)));
    const env = Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, HOMES.includes(name) ? this.#home : value]));
    const [first = '', ...path] = (env['PATH'] ?? '').split(':');
    const startedMs = performance.now();
    await using program = spawnProcess(this.#program, args, {
      env: { ...env, PATH: [existsSync(first) ? first : SHIM, ...path].join(':') },
      cwd: own,
      stdio: ['pipe', 'ignore', 'ignore'],
      dieWithParent: false,
    });
    program.pipe(0).end(input);
    const { code } = await program.exited;
    const wallMs = performance.now() - startedMs;
    const isChanged = readFileSync(join(own, 'agent.ts'), 'utf8') !== readFileSync(join(work, 'agent.ts'), 'utf8');
    rmSync(own, { recursive: true });
    if (code !== 0 || !isChanged) throw new Error(`${this.#program} alone ended with ${code}${isChanged ? '' : ' and changed nothing'}`);
    return wallMs;
  }

  [Symbol.dispose](): void {
    rmSync(this.#home, { recursive: true, force: true });
  }

  /** The one that was there for that run alone. */
  #isFile(argument: string): boolean {
    return argument.startsWith('/') && !existsSync(argument) && !argument.startsWith(this.#recorded.folder);
  }
}
