// How a metric is described, and where its values come from.
import type { EventName, Measurements, Metadata } from './events.ts';

/** A closed list of values, or `open`: what the program is given (agents, operations), cut off after MAX_OPEN_VALUES. */
export type LabelValues = readonly string[] | 'open';

/** Distinct values that an open label of one metric may have; further ones are counted as `other`. */
export const MAX_OPEN_VALUES = 200;

export interface Reading {
  value?: number;
  labels?: Readonly<Record<string, string>>;
}

/** An event that moves the metric, and by what (default 1, no labels). */
export interface Source {
  event: EventName;
  read: (measurements: never, metadata: never) => Reading;
}

export interface MetricSpec {
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
  labels: Readonly<Record<string, LabelValues>>;
  /** Upper edges, in the metric's unit. */
  buckets?: readonly number[];
  /** Without a source its owner sets it, or gives a reader that is asked at each scrape. */
  from: readonly Source[];
}

export function on<N extends EventName>(event: N, read: (measurements: Measurements<N>, metadata: Metadata<N>) => Reading): Source {
  return { event, read };
}

/** Seconds from microseconds. */
export function seconds(us: number): number {
  return us / 1e6;
}
