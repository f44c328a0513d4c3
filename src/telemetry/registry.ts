// The metrics of this process, kept in prom-client: moved by events, set by their owners, or read at each scrape.
import type * as Prom from 'prom-client';
import { attach, emit, type TelemetryEvent } from './emit.ts';
import { MAX_OPEN_VALUES, type MetricSpec, type Reading } from './metric-spec.ts';
import { type Labels, type MetricName, METRICS } from './metrics.ts';

/** Events that are kept until the metrics are loaded. */
const MAX_EARLY_EVENTS = 1_000;
/** prom-client's own; promtool refuses their names (`_total` on a gauge). */
const MISNAMED = ['nodejs_active_resources_total', 'nodejs_active_handles_total', 'nodejs_active_requests_total'];

type TypeOf<N extends MetricName> = (typeof METRICS)[N]['type'];
export type CounterName = { [N in MetricName]: TypeOf<N> extends 'counter' ? N : never }[MetricName];
export type GaugeName = { [N in MetricName]: TypeOf<N> extends 'gauge' ? N : never }[MetricName];
export type HistogramName = { [N in MetricName]: TypeOf<N> extends 'histogram' ? N : never }[MetricName];

export interface MetricValue<N extends MetricName> {
  labels: Labels<N>;
  value: number;
}

export type Reader<N extends MetricName> = () => readonly MetricValue<N>[] | Promise<readonly MetricValue<N>[]>;

export interface MetricReport {
  name: string;
  type: string;
  help: string;
  values: { name: string; labels: Record<string, string | number>; value: number }[];
}

interface Instrument {
  move: (reading: Reading) => void;
  /** Forgets all values: an unknown gauge is missing, not 0. */
  clear: () => void;
}

export interface MetricsStart {
  /** The metrics, with all that was counted since the start. prom-client is loaded at the first call: 50 ms of processor time. */
  load: () => Promise<Metrics>;
  close: () => Promise<void>;
}

/**
 * Counts from now on, whether or not anybody has asked for the metrics yet.
 * @param options.node id of this node, for `seed_build_info`
 */
export function startMetrics(options: { version: string; node: string }): MetricsStart {
  const early: TelemetryEvent[] = [];
  let deliver = (event: TelemetryEvent): void => {
    if (early.length < MAX_EARLY_EVENTS) early.push(event);
  };
  const detach = attach('metrics', (event) => deliver(event));
  let loading: Promise<Metrics> | undefined;
  const load = async (): Promise<Metrics> => {
    const metrics = new Metrics(await import('prom-client'));
    metrics.set('seed_build_info', { version: options.version, node: options.node }, 1);
    deliver = (event) => metrics.deliver(event);
    for (const event of early.splice(0)) deliver(event);
    return metrics;
  };
  return {
    load: () => (loading ??= load()),
    async close() {
      detach();
      (await loading)?.close();
    },
  };
}

export class Metrics {
  readonly #registry: Prom.Registry;
  readonly #instruments = new Map<MetricName, Instrument>();
  readonly #byEvent = new Map<string, ((event: TelemetryEvent) => void)[]>();
  readonly #readers = new Map<MetricName, () => Promise<void>>();

  constructor(prom: typeof Prom) {
    this.#registry = new prom.Registry();
    prom.collectDefaultMetrics({ register: this.#registry });
    for (const name of MISNAMED) this.#registry.removeSingleMetric(name);
    for (const name of Object.keys(METRICS) as MetricName[]) this.#define(prom, name);
  }

  /** @param by default 1 */
  add<N extends CounterName>(name: N, labels: Labels<N>, by = 1): void {
    this.#move(name, labels, by);
  }

  set<N extends GaugeName>(name: N, labels: Labels<N>, value: number): void {
    this.#move(name, labels, value);
  }

  observe<N extends HistogramName>(name: N, labels: Labels<N>, value: number): void {
    this.#move(name, labels, value);
  }

  /**
   * Asked at each scrape; what it answers replaces all values of the metric. If it throws, the metric is missing from
   * that scrape and `seed_telemetry_failures_total` goes up. Returns what takes the reader away.
   */
  read<N extends GaugeName | CounterName>(name: N, reader: NoInfer<Reader<N>>): () => void {
    const collect = async (): Promise<void> => {
      let values: readonly MetricValue<N>[] = [];
      try {
        values = await reader();
      } catch (error) {
        emit('seed_agent.telemetry.handler_failed', {}, { handler: name, event: 'scrape', reason: String(error) });
      }
      this.#instruments.get(name)?.clear();
      for (const { labels, value } of values) this.#move(name, labels, value);
    };
    this.#readers.set(name, collect);
    return () => {
      if (this.#readers.get(name) === collect) this.#readers.delete(name);
    };
  }

  /**
   * Prometheus' text format 0.0.4.
   * @param which seed: our own; process: prom-client's about this Node.js process
   */
  async text(which: 'all' | 'seed' | 'process' = 'all'): Promise<string> {
    await this.#collect();
    if (which === 'all') return this.#registry.metrics();
    const names = this.#registry.getMetricsAsArray().map(({ name }) => name);
    const chosen = names.filter((name) => isOurs(name) === (which === 'seed'));
    const texts = await Promise.all(chosen.map((name) => this.#registry.getSingleMetricAsString(name)));
    return `${texts.join('\n\n')}\n`;
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async report(): Promise<MetricReport[]> {
    await this.#collect();
    const metrics = await this.#registry.getMetricsAsJSON();
    return metrics.map(({ name, type, help, values }) => ({
      name,
      type: String(type),
      help,
      values: values.map((value) => ({
        name: 'metricName' in value && typeof value.metricName === 'string' ? value.metricName : name,
        labels: Object.fromEntries(Object.entries(value.labels).map(([label, text]) => [label, text ?? ''])),
        value: value.value,
      })),
    }));
  }

  /** Counts an event. */
  deliver(event: TelemetryEvent): void {
    for (const move of this.#byEvent.get(event.name) ?? []) move(event);
  }

  close(): void {
    this.#readers.clear();
    this.#registry.clear();
  }

  async #collect(): Promise<void> {
    await Promise.all([...this.#readers.values()].map((collect) => collect()));
  }

  #move(name: MetricName, labels: object, value: number): void {
    this.#instruments.get(name)?.move({ labels: labels as Record<string, string>, value });
  }

  #define(prom: typeof Prom, name: MetricName): void {
    const spec: MetricSpec = METRICS[name];
    const labelNames = Object.keys(spec.labels);
    const configuration: Prom.MetricConfiguration<string> = { name, help: spec.help, labelNames, registers: [this.#registry] };
    const instrument = instrumentOf(prom, spec, configuration);
    this.#instruments.set(name, instrument);
    for (const { event, read } of spec.from) {
      const deliveries = this.#byEvent.get(event) ?? [];
      deliveries.push(({ measurements, metadata }) => instrument.move(read(measurements as never, metadata as never)));
      this.#byEvent.set(event, deliveries);
    }
  }
}

function isOurs(name: string): name is MetricName {
  return Object.hasOwn(METRICS, name);
}

function instrumentOf(prom: typeof Prom, spec: MetricSpec, configuration: Prom.MetricConfiguration<string>): Instrument {
  const bounded = boundLabels(spec);
  if (spec.type === 'histogram') {
    const histogram = new prom.Histogram({ ...configuration, buckets: [...(spec.buckets ?? [])] });
    return { move: ({ labels, value = 1 }) => histogram.observe(bounded(labels), value), clear: () => histogram.reset() };
  }
  if (spec.type === 'counter') {
    const counter = new prom.Counter(configuration);
    return { move: ({ labels, value = 1 }) => counter.inc(bounded(labels), value), clear: () => counter.reset() };
  }
  const gauge = new prom.Gauge(configuration);
  const clear = (): void => {
    gauge.reset();
    // Without labels reset() leaves a 0.
    if (configuration.labelNames?.length === 0) gauge.remove();
  };
  clear();
  return { move: ({ labels, value = 1 }) => gauge.set(bounded(labels), value), clear };
}

/** Keeps a metric's series finite: a value outside a closed list, or beyond MAX_OPEN_VALUES of an open one, is `other`. */
function boundLabels(spec: MetricSpec): (labels: Reading['labels']) => Record<string, string> {
  const allowed = Object.entries(spec.labels).map(([label, values]) => ({
    label,
    values: new Set<string>(values === 'open' ? [] : values),
    open: values === 'open',
  }));
  return (labels = {}) => {
    const bounded: Record<string, string> = {};
    for (const { label, values, open } of allowed) {
      const value = labels[label] ?? '';
      if (open && values.size < MAX_OPEN_VALUES) values.add(value);
      bounded[label] = values.has(value) ? value : 'other';
    }
    return bounded;
  };
}
