// The first start: the packer is improved under orders that the demo sends by itself, so that there is something to see
// and traffic to compare the new version by.
import type { Improvements } from './improver.ts';
import type { Runtime } from '#kernel/runtime/runtime.ts';

const AGENT = 'packer';
const BUDGET_MS = 45_000;
const ORDER_EVERY_MS = 50;
/** Items of one instance, then the next one begins: an instance's state stays small. */
const ITEMS_PER_INSTANCE = 2_000;
const CAPACITY = 100;
const PRINCIPAL = { kind: 'node', id: 'demo' } as const;

export interface DemoOptions {
  runtime: Runtime;
  improvements: Improvements;
  /** Uniform in [0, 1). */
  random: () => number;
  /** ms since the epoch: names the instances. */
  nowMs: () => number;
  onError: (error: unknown) => void;
}

/** Sends orders to the packer until it is closed. */
export class DemoOrders {
  readonly #options: DemoOptions;
  readonly #timer: NodeJS.Timeout;
  #sent = 0;
  #busy = false;
  #closed = false;
  #last: Promise<unknown> = Promise.resolve();
  readonly #run: string;

  constructor(options: DemoOptions) {
    this.#options = options;
    this.#run = options.nowMs().toString(36);
    this.#timer = setInterval(() => this.#send(), ORDER_EVERY_MS);
  }

  get sent(): number {
    return this.#sent;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#last;
  }

  /** One at a time: an order that takes long holds the next one back. */
  #send(): void {
    if (this.#busy || this.#closed) return;
    this.#busy = true;
    const key = `demo-${this.#run}-${Math.floor(this.#sent / ITEMS_PER_INSTANCE) + 1}`;
    this.#sent += 1;
    this.#last = this.#options.runtime
      .invoke({ agent: AGENT, key, input: { item: weibullItem(this.#options.random), capacity: CAPACITY }, principal: PRINCIPAL })
      .catch((error: unknown) => {
        if (!this.#closed) this.#options.onError(error);
      })
      .finally(() => {
        this.#busy = false;
      });
  }
}

/** Sizes as they are in the published comparison: Weibull with shape 3 and scale 45, between 1 and the capacity. */
function weibullItem(random: () => number): number {
  return Math.min(CAPACITY, Math.max(1, Math.round(45 * (-Math.log(1 - random())) ** (1 / 3))));
}

/** @returns the id of the demo's improvement: a new one, or the one that a former life of the node did not finish. Null when the demo has been shown. */
export async function startDemo(improvements: Improvements): Promise<string | null> {
  const known = await improvements.demo();
  if (known !== null) return known.ended ? null : known.id;
  return improvements.enqueue({ agent: AGENT, budgetMs: BUDGET_MS, trigger: 'demo', proposer: 'genetic', goal: '', principal: PRINCIPAL });
}
