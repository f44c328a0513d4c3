// Calls at a fixed rate, whatever becomes of those before: each is timed from the moment it was due, so that a pause shows in every
// call that should have been made in it.
import { HttpClient } from '../http-client.ts';

const CONNECTIONS = 24;

export interface TimedCall {
  /** When it was due, and how long after that it had its answer, ms on `performance.now()`. */
  dueMs: number;
  tookMs: number;
  /** Null: as it should be. */
  failure: string | null;
}

export interface OpenLoopOptions {
  url: string;
  token: string;
  path: string;
  perSecond: number;
  /** @returns what is wrong with the answer, or null */
  check: (status: number, body: string) => string | null;
  body: string;
}

export class OpenLoop {
  readonly calls: TimedCall[] = [];
  readonly #options: OpenLoopOptions;
  readonly #free: HttpClient[];
  readonly #due: number[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;
  #next = performance.now();

  static async start(options: OpenLoopOptions): Promise<OpenLoop> {
    return new OpenLoop(options, await Promise.all(Array.from({ length: CONNECTIONS }, () => HttpClient.connect(options.url))));
  }

  private constructor(options: OpenLoopOptions, clients: HttpClient[]) {
    this.#options = options;
    this.#free = clients;
    this.#timer = setInterval(() => this.#tick(), 1);
  }

  /** Every call that was due has its answer. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    while (this.#running.size > 0 || this.#due.length > 0) await Promise.all(this.#running);
    for (const client of this.#free) client.close();
  }

  #tick(): void {
    const nowMs = performance.now();
    while (this.#next <= nowMs) {
      this.#due.push(this.#next);
      this.#next += 1_000 / this.#options.perSecond;
    }
    this.#send();
  }

  #send(): void {
    while (this.#due.length > 0) {
      // In turn, so that none is idle for so long that the server ends it.
      const client = this.#free.shift();
      if (client === undefined) return;
      const call = this.#call(client, this.#due.shift() as number);
      this.#running.add(call);
      void call.finally(() => {
        this.#running.delete(call);
        this.#send();
      });
    }
  }

  async #call(used: HttpClient, dueMs: number): Promise<void> {
    const { url, token, path, body, check } = this.#options;
    const client = used.isClosed ? await HttpClient.connect(url) : used;
    const failure = await client.post(path, body, { authorization: `Bearer ${token}` }).then(
      (answer) => check(answer.status, answer.body),
      (error: unknown) => String(error),
    );
    this.calls.push({ dueMs, tookMs: performance.now() - dueMs, failure });
    this.#free.push(client);
  }
}
