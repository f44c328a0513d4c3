// A well-behaved agent on the same node, called at a fixed rate whatever happens: what it suffers is part of an attack's verdict.
import { HttpClient } from '../../bench/http-client.ts';

/** One call each. */
const EVERY_MS = 20;
const IDLE_CONNECTIONS = 4;
/** Before a server may close it, at the same moment in which it is used. */
const IDLE_MS = 2_000;
const NEVER_MS = 10_000;

export interface Suffered {
  calls: number;
  /** Answers other than the right one, with the last of them. */
  failed: number;
  lastFailure: string | null;
  /** Longest wait for an answer, counted from when the call was due. */
  longestMs: number;
}

export interface NeighbourOptions {
  url: string;
  token: string;
  agent: string;
  input: unknown;
  /** What must be in the answer's text. */
  expected: string;
}

export class Neighbour {
  readonly #options: NeighbourOptions;
  readonly #body: string;
  #idle: { client: HttpClient; sinceMs: number }[] = [];
  readonly #waiting = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #dueMs = 0;
  #suffered: Suffered = { calls: 0, failed: 0, lastFailure: null, longestMs: 0 };

  constructor(options: NeighbourOptions) {
    this.#options = options;
    this.#body = JSON.stringify({ input: options.input });
  }

  start(): void {
    this.#dueMs = performance.now() + EVERY_MS;
    this.#next();
  }

  begin(): void {
    this.#suffered = { calls: 0, failed: 0, lastFailure: null, longestMs: 0 };
  }

  /** Waits for the calls that are under way. */
  async seen(): Promise<Suffered> {
    const suffered = this.#suffered;
    await Promise.all(this.#waiting);
    return suffered;
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await Promise.all(this.#waiting);
    for (const { client } of this.#idle) client.close();
  }

  #next(): void {
    this.#timer = setTimeout(
      () => {
        // All that have become due while this thread was held up are sent, and wait since they were due.
        for (; this.#dueMs <= performance.now(); this.#dueMs += EVERY_MS) {
          const call = this.#call(this.#dueMs, this.#suffered).finally(() => this.#waiting.delete(call));
          this.#waiting.add(call);
        }
        this.#next();
      },
      Math.max(0, this.#dueMs - performance.now()),
    );
  }

  async #call(dueMs: number, suffered: Suffered): Promise<void> {
    const { url, token, agent, expected } = this.#options;
    suffered.calls += 1;
    try {
      const client = this.#takeIdle() ?? (await HttpClient.connect(url));
      const never = new Promise<never>((_, reject) =>
        setTimeout(() => reject(new Error(`no answer after ${NEVER_MS} ms`)), NEVER_MS).unref(),
      );
      const answer = await Promise.race([
        client.post(`/api/agents/${agent}/invoke`, this.#body, { authorization: `Bearer ${token}` }),
        never,
      ]);
      if (this.#idle.length < IDLE_CONNECTIONS) this.#idle.push({ client, sinceMs: performance.now() });
      else client.close();
      if (answer.status !== 200 || !answer.body.includes(expected)) this.#failed(suffered, `${answer.status} ${answer.body.slice(0, 300)}`);
    } catch (error) {
      this.#failed(suffered, error instanceof Error ? error.message : String(error));
    }
    suffered.longestMs = Math.max(suffered.longestMs, performance.now() - dueMs);
  }

  #takeIdle(): HttpClient | undefined {
    const fresh = this.#idle.filter(({ sinceMs }) => performance.now() - sinceMs < IDLE_MS);
    for (const old of this.#idle) if (!fresh.includes(old)) old.client.close();
    this.#idle = fresh;
    return this.#idle.pop()?.client;
  }

  #failed(suffered: Suffered, why: string): void {
    suffered.failed += 1;
    suffered.lastFailure = why;
  }
}
