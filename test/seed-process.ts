// The whole program as a process of its own, with a data folder of its own, for benchmarks and end-to-end tests.
import { constants, existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emptyDatabaseFolder } from '#db/testing.ts';
import { spawnProcess, type ChildHandle } from '#lib/process.ts';
import { until } from './until.ts';

const PROJECT = new URL('..', import.meta.url).pathname;

export interface SeedProcessOptions {
  /** Default: a new one that is removed at the end. */
  dataDir?: string;
  env?: Readonly<Record<string, string>>;
  /** True: a new data folder is empty, and this start makes its database. Default false: it holds an empty one, which is quicker. */
  isFirst?: boolean;
  args?: readonly string[];
  /** Where it is started. Default: the data folder. */
  cwd?: string;
  /** The program's folder, ending in `/`. Default: this project. */
  project?: string;
  /** Default 0: any free one. Given, the time until it answers is measured from the first moment. */
  port?: number;
  /** A command that starts the program with its own last words, for example with limits. */
  wrapper?: readonly string[];
  /** False: it is ready when it says so, without being asked over its url (there is none, or it is not reached from here). Default true. */
  isListening?: boolean;
  /** Default 60,000: a busy machine is no failure. */
  readyTimeoutMs?: number;
}

/** What the node leaves in its data folder. */
interface NodeFile {
  url: string | null;
  socket: string | null;
  pid: number;
  ready: boolean;
}

export interface SeedProcess extends AsyncDisposable {
  url: string;
  token: string;
  dataDir: string;
  handle: ChildHandle;
  /** Process id of the node, the root supervisor's child. */
  nodePid: number;
  /** Waits for the node that the root starts after this one has ended: `url` and `nodePid` are the new one's then. */
  nodeAgain: () => Promise<void>;
  /** Standard output and error so far. */
  output: () => string;
  /** Milliseconds from the start until the port answered (only with `port`, else as `readyMs`), and until the node was ready. */
  boundMs: number;
  readyMs: number;
  api: <T = unknown>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<{ status: number; body: T }>;
  stop: () => Promise<{ code: number | null; signal: string | null }>;
}

/** Starts `npm start`'s program without its launcher and waits until it is ready. */
export async function startSeed(options: SeedProcessOptions = {}): Promise<SeedProcess> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'seed-')));
  if (options.isFirst !== true) await provideDatabase(dataDir);
  const startedMs = performance.now();
  const { handle, output } = spawnSeed(dataDir, options);
  const deadlineMs = startedMs + (options.readyTimeoutMs ?? 60_000);
  let boundMs = Number.NaN;
  let file: NodeFile | null = null;
  let ended = false;
  void handle.exited.then(() => (ended = true));
  for (;;) {
    if (ended) throw new Error(`the program ended before it was ready:\n${output()}`);
    if (performance.now() > deadlineMs) {
      await handle[Symbol.asyncDispose]();
      throw new Error(`the program was not ready in time:\n${output()}`);
    }
    file = await readNodeFile(dataDir, handle.pid);
    const url = options.port === undefined ? file?.url : `http://127.0.0.1:${options.port}`;
    if (Number.isNaN(boundMs) && typeof url === 'string' && (await answers(url))) boundMs = performance.now() - startedMs;
    if (file?.ready === true && (!Number.isNaN(boundMs) || options.isListening === false)) break;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const readyMs = performance.now() - startedMs;
  const token = (await readFile(join(dataDir, 'admin.token'), 'utf8')).trim();
  const url = file.url ?? '';
  const seed: SeedProcess = {
    url,
    token,
    dataDir,
    handle,
    nodePid: file.pid,
    output,
    boundMs,
    readyMs,
    nodeAgain: async () => {
      const next = await until(
        () => readNodeFile(dataDir, handle.pid),
        (one) => one?.ready === true && one.pid !== seed.nodePid,
      );
      seed.url = next?.url ?? '';
      seed.nodePid = next?.pid ?? 0;
    },
    api: (method, path, body, headers) => api({ url: seed.url, token, method, path, body, headers }),
    stop: async () => {
      handle.kill('SIGTERM');
      return handle.exited;
    },
    [Symbol.asyncDispose]: async () => {
      if (!ended) handle.kill('SIGTERM');
      await handle.exited;
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
  return seed;
}

/** Into a folder in which nothing has started yet. */
async function provideDatabase(dataDir: string): Promise<void> {
  if (!existsSync(dataDir) || (await readdir(dataDir)).some((name) => name.startsWith('database'))) return;
  await cp(await emptyDatabaseFolder(), join(dataDir, 'database'), { recursive: true, mode: constants.COPYFILE_FICLONE });
}

/** A start that is expected to fail. @returns how it ended, and everything it said. @throws Error when it still runs after `timeoutMs` */
export async function endOfSeed(dataDir: string, options: SeedProcessOptions & { timeoutMs?: number } = {}): Promise<SeedEnd> {
  const { handle, output } = spawnSeed(dataDir, options);
  const timer = setTimeout(() => handle.kill('SIGKILL'), options.timeoutMs ?? 60_000);
  const { code, signal } = await handle.exited;
  clearTimeout(timer);
  if (signal === 'SIGKILL') throw new Error(`the program did not end by itself:\n${output()}`);
  return { code, output: output() };
}

export interface SeedEnd {
  code: number | null;
  output: string;
}

/** The program, and what it says on both its outputs. */
export function spawnSeed(dataDir: string, options: SeedProcessOptions): { handle: ChildHandle; output: () => string } {
  const [program, ...rest] = [...(options.wrapper ?? []), process.execPath, join(options.project ?? PROJECT, 'src/main.ts')];
  const handle = spawnProcess(program ?? process.execPath, [...rest, ...(options.args ?? ['--no-demo'])], {
    cwd: options.cwd ?? dataDir,
    env: {
      PATH: process.env['PATH'] ?? '',
      PORT: String(options.port ?? 0),
      DATA_DIR: dataDir,
      CODE_ROOT: join(dataDir, 'code'),
      AGENTS_DIR: join(PROJECT, 'agents'),
      LOG_LEVEL: 'warn',
      ...(process.env['NODE_COMPILE_CACHE'] === undefined ? {} : { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] }),
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [handle.stdio[1], handle.stdio[2]]) stream?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { handle, output: () => text };
}

async function readNodeFile(dataDir: string, rootPid: number): Promise<NodeFile | null> {
  try {
    const file = JSON.parse(await readFile(join(dataDir, 'node.json'), 'utf8')) as NodeFile & { root_pid?: number };
    // A file that a former life left behind is not ours.
    return file.root_pid === rootPid ? file : null;
  } catch {
    return null;
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/health`)).status === 200;
  } catch {
    return false;
  }
}

async function api<T>(request: {
  url: string;
  token: string;
  method: string;
  path: string;
  body: unknown;
  headers: Readonly<Record<string, string>> | undefined;
}): Promise<{ status: number; body: T }> {
  const response = await fetch(request.url + request.path, {
    method: request.method,
    headers: {
      authorization: `Bearer ${request.token}`,
      ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...request.headers,
    },
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
  });
  const text = await response.text();
  return { status: response.status, body: (text === '' ? null : JSON.parse(text)) as T };
}
