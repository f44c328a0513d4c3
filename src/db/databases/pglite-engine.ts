// The node's end of the thread that PGlite runs in: statements as messages, and its death as an event.
import { Worker } from 'node:worker_threads';
import { type Answer, type ErrorAnswer, READY_ID, type Reply, type Request, type ThreadData } from './pglite-thread.ts';

/** An error of Postgres, with its SQLSTATE in `code` and its other fields (`constraint`, `detail`, `position`, …). */
class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: string = '';
  /** The statement, cut short; its parameters are not kept. */
  readonly statement: string;

  constructor({ message, fields }: ErrorAnswer, statement: string) {
    super(message);
    Object.assign(this, fields);
    this.statement = statement.slice(0, 500);
  }
}

type Operation = Request extends infer R ? (R extends { id: number } ? Omit<R, 'id'> : never) : never;

interface Waiting {
  statement: string;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

export class PgliteEngine {
  readonly #thread: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = READY_ID;
  #death: Error | undefined;

  private constructor(thread: Worker) {
    this.#thread = thread;
    thread.on('message', (reply: Reply) => this.#settle(reply));
    thread.on('error', (error) => this.#die(error instanceof Error ? error : new Error(String(error))));
    thread.on('exit', () => this.#die(new Error('the database thread has ended')));
  }

  /** @throws what PGlite says when the folder can not be opened; the thread is gone then */
  static async start(data: ThreadData): Promise<PgliteEngine> {
    // No arguments of the node's own: its flags may not suit a thread.
    const thread = new Worker(new URL('./pglite-thread.ts', import.meta.url), { workerData: data, name: 'database', execArgv: [] });
    const engine = new PgliteEngine(thread);
    try {
      await new Promise<Answer>((resolve, reject) => engine.#waiting.set(READY_ID, { statement: `open ${data.dataDir}`, resolve, reject }));
    } catch (error) {
      await thread.terminate();
      throw error;
    }
    thread.unref();
    return engine;
  }

  /** Why it is beyond use. */
  get death(): Error | undefined {
    return this.#death;
  }

  /** @throws EngineError; any other error when the thread is dead, or dies before it answers */
  send(operation: Operation): Promise<Answer> {
    if (this.#death !== undefined) return Promise.reject(this.#death);
    const id = ++this.#lastId;
    // A statement under way keeps the process alive, an idle database does not.
    if (this.#waiting.size === 0) this.#thread.ref();
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { statement: 'sql' in operation ? operation.sql : operation.op, resolve, reject });
      try {
        this.#thread.postMessage({ ...operation, id } satisfies Request);
      } catch (error) {
        this.#waiting.delete(id);
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  /** After the statements under way. */
  async close(): Promise<void> {
    if (this.#death === undefined) await this.send({ op: 'close' });
    await this.kill(new Error('the database is closed'));
  }

  /** At once, as a crash: what was committed stays. Fulfils when the thread is gone, so that the folder is free. Idempotent. */
  async kill(why: Error): Promise<void> {
    this.#die(why);
    await this.#thread.terminate();
  }

  #settle(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (this.#waiting.size === 0) this.#thread.unref();
    if ('answer' in reply) return waiting?.resolve(reply.answer);
    const error = new EngineError(reply.error, waiting?.statement ?? '');
    waiting?.reject(error);
    if (reply.error.fatal) void this.kill(error);
  }

  #die(why: Error): void {
    this.#death ??= why;
    for (const { reject } of this.#waiting.values()) reject(this.#death);
    this.#waiting.clear();
  }
}
