// Log, metrics and event-loop lag of one process, started and ended together.
import { EventLoopLag } from './event-loop-lag.ts';
import { type Log, type LogOptions, LogOutput } from './log.ts';
import { type Metrics, type MetricsStart, startMetrics } from './registry.ts';

export interface TelemetryOptions extends LogOptions {
  /** Version of the program, for `seed_build_info`. */
  version: string;
  /** Id of the node. */
  node: string;
}

export class Telemetry {
  readonly output: LogOutput;
  readonly lag = new EventLoopLag();
  readonly #start: MetricsStart;
  #metrics: Promise<Metrics> | undefined;

  constructor(options: TelemetryOptions) {
    this.output = new LogOutput({ ...options, bindings: { node: options.node, ...options.bindings } });
    this.#start = startMetrics(options);
  }

  get log(): Log {
    return this.output.log;
  }

  /** Everything is counted from the start; what it is kept in is loaded when it is first asked for, not before the port is bound. */
  get metrics(): Promise<Metrics> {
    this.#metrics ??= this.#start.load().then((metrics) => this.#readOwn(metrics));
    return this.#metrics;
  }

  async close(): Promise<void> {
    this.lag.close();
    this.output.close();
    await this.#start.close();
  }

  #readOwn(metrics: Metrics): Metrics {
    metrics.read('seed_event_loop_lag_seconds', () => {
      const { p50Ms, p99Ms, maxMs } = this.lag.figures();
      return [
        { labels: { stat: 'p50' }, value: p50Ms / 1000 },
        { labels: { stat: 'p99' }, value: p99Ms / 1000 },
        { labels: { stat: 'max' }, value: maxMs / 1000 },
      ];
    });
    metrics.read('seed_log_records_dropped_total', () => [{ labels: {}, value: this.output.dropped }]);
    return metrics;
  }
}
