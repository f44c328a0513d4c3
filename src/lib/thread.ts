// A thread of this process that answers requests: what it does costs the event loop one message each way. It starts with its
// first request, has an empty environment, and starts again after it died.
import { parentPort, Worker } from 'node:worker_threads';
import { SeedError, toSeedError, type ErrorCode } from './error.ts';

/** What a thread can be asked: functions of plain data. */
// oxlint-disable-next-line typescript/no-explicit-any -- arguments and answers are the implementor's
export type ThreadMethods = Readonly<Record<string, (...args: any[]) => unknown>>;

interface Request {
  id: number;
  method: string;
  args: readonly unknown[];
}

/** What is left of an error when it crosses threads. */
interface Failure {
  code: ErrorCode | null;
  message: string;
  details: unknown;
  hint: string | undefined;
  stack: string | undefined;
}

type Reply = { id: number; value: unknown } | { id: number; failure: Failure };

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}

export interface ThreadOptions {
  /** Module that calls `serveThread`. */
  url: URL;
  /** Shown by debuggers and in errors. */
  name: string;
  /** Default: nothing. */
  env?: Readonly<Record<string, string>>;
  /** Heap, MB; a thread that needs more ends, this process does not. Default 512. */
  heapMb?: number;
}

export class Thread<Methods extends ThreadMethods> {
  readonly #options: ThreadOptions;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | null = null;
  #closed = false;
  #lastId = 0;

  constructor(options: ThreadOptions) {
    this.#options = options;
  }

  /** Whether anybody has asked it for anything since it started, or was started again. */
  get isRunning(): boolean {
    return this.#worker !== null;
  }

  /** @throws what the method throws (a SeedError as it is); SeedError `unavailable` when the thread ended before it answered, or was closed */
  call<Name extends keyof Methods & string>(method: Name, ...args: Parameters<Methods[Name]>): Promise<Awaited<ReturnType<Methods[Name]>>> {
    const { name } = this.#options;
    if (this.#closed) return Promise.reject(new SeedError('unavailable', `the ${name} thread is closed`));
    const worker = (this.#worker ??= this.#start());
    // A request under way keeps the process alive, an idle thread does not.
    if (this.#waiting.size === 0) worker.ref();
    const id = (this.#lastId += 1);
    const answer = new Promise<unknown>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    worker.postMessage({ id, method, args } satisfies Request);
    return answer as Promise<Awaited<ReturnType<Methods[Name]>>>;
  }

  /** Ends it; what it was doing is not finished. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const { url, name, env = {}, heapMb = 512 } = this.#options;
    const worker = new Worker(url, { name, env, execArgv: [], resourceLimits: { maxOldGenerationSizeMb: heapMb } });
    worker.unref();
    worker.on('message', (reply: Reply) => this.#settle(worker, reply));
    worker.on('error', (error) => this.#end(worker, error));
    worker.on('exit', () => this.#end(worker, null));
    return worker;
  }

  #settle(worker: Worker, reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (this.#waiting.size === 0) worker.unref();
    if ('value' in reply) waiting?.resolve(reply.value);
    else waiting?.reject(errorOf(reply.failure));
  }

  #end(worker: Worker, cause: unknown): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    const why = cause instanceof Error ? `: ${cause.message}` : '';
    const error = new SeedError('unavailable', `the ${this.#options.name} thread has ended${why}`, { cause, retryAfterMs: 1_000 });
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

/** In the thread: answers until the thread is ended. Requests run side by side. */
export function serveThread(methods: ThreadMethods): void {
  parentPort?.on('message', ({ id, method, args }: Request) => {
    const run = async (): Promise<unknown> => methods[method]?.(...args);
    run().then(
      (value) => parentPort?.postMessage({ id, value } satisfies Reply),
      (error: unknown) => parentPort?.postMessage({ id, failure: failureOf(error) } satisfies Reply),
    );
  });
}

function failureOf(thrown: unknown): Failure {
  const error = toSeedError(thrown);
  const { code, message, details, hint, stack } = error;
  return {
    code: code === 'internal' ? null : code,
    message,
    details,
    hint,
    stack: error.cause instanceof Error ? error.cause.stack : stack,
  };
}

function errorOf({ code, message, details, hint, stack }: Failure): Error {
  const cause = Object.assign(new Error(message), { stack });
  if (code === null) return cause;
  return new SeedError(code, message, { details, cause, ...(hint === undefined ? {} : { hint }) });
}
