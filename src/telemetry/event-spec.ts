// How an event is described: what is measured, in which unit, and what is known about it.

/** A measured value: its unit, and what it says. */
export interface Measurement {
  type: 'number' | 'text';
  unit: string;
  meaning: string;
}

/** Something known about the event; `values` where the list is closed. */
export interface Attribute {
  values: readonly string[] | null;
  meaning: string;
}

export interface EventSpec {
  /** One line: when it happens. */
  meaning: string;
  /** Level at which it is also logged; null for what happens too often to be logged. */
  level: 'debug' | 'info' | 'warn' | 'error' | null;
  measurements: Readonly<Record<string, Measurement>>;
  metadata: Readonly<Record<string, Attribute>>;
}

export function number<const U extends string>(unit: U, meaning: string): { type: 'number'; unit: U; meaning: string } {
  return { type: 'number', unit, meaning };
}

/** For the few measurements that are words (a version, a reason). */
export function text(meaning: string): { type: 'text'; unit: ''; meaning: string } {
  return { type: 'text', unit: '', meaning };
}

/** An open set of values; keep them short. */
export function open(meaning: string): { values: null; meaning: string } {
  return { values: null, meaning };
}

export function oneOf<const V extends readonly string[]>(values: V, meaning: string): { values: V; meaning: string } {
  return { values, meaning };
}
