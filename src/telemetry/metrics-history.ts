// What the counters said before, for as long as an hour: how much happened lately, without a Prometheus to ask.
import type { MetricReport } from './registry.ts';

const SAMPLE_MS = 15_000;
const KEPT_MS = 3_600_000;

interface Sample {
  atMs: number;
  counters: ReadonlyMap<string, number>;
}

export interface MetricsHistoryOptions {
  report: () => Promise<readonly MetricReport[]>;
  /** ms since the epoch */
  nowMs: () => number;
}

export class MetricsHistory {
  readonly #options: MetricsHistoryOptions;
  readonly #timer: NodeJS.Timeout;
  #samples: Sample[] = [];

  constructor(options: MetricsHistoryOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.sample(), SAMPLE_MS).unref();
  }

  async sample(): Promise<void> {
    const nowMs = this.#options.nowMs();
    this.#samples.push({ atMs: nowMs, counters: await this.#counters() });
    this.#samples = this.#samples.filter((sample) => sample.atMs > nowMs - KEPT_MS - SAMPLE_MS);
  }

  /** Counters that grew since then, as `name{labels} growth`; what was not there counts from 0. The first line says since when. */
  async increase(periodMs: number): Promise<string> {
    const fromMs = this.#options.nowMs() - periodMs;
    const before = this.#samples.findLast((sample) => sample.atMs <= fromMs) ?? this.#samples[0];
    const lines: string[] = [];
    for (const [name, value] of await this.#counters()) {
      const growth = value - (before?.counters.get(name) ?? 0);
      if (growth > 0) lines.push(`${name} ${growth}`);
    }
    const since = before === undefined ? 'the start' : new Date(before.atMs).toISOString();
    return `# growth of the counters since ${since}\n${lines.join('\n')}\n`;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #counters(): Promise<Map<string, number>> {
    const reports = await this.#options.report();
    return new Map(
      reports
        .filter((report) => report.type === 'counter')
        .flatMap((report) => report.values.map(({ name, labels, value }) => [`${name}${labelText(labels)}`, value] as const)),
    );
  }
}

function labelText(labels: Readonly<Record<string, string | number>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(String(value))}`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}
