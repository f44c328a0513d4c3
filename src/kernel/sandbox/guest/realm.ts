// What the guest runtime keeps of the untouched realm, taken before any agent's code runs: code that changes its globals later
// can neither break nor forge the runtime's own work. The functions of this folder are the *text* of the guest script: each is
// self-contained, takes what it needs from the realm, and avoids iterators and methods looked up on prototypes.

/** The clock and the generator that Date, Math.random and console follow: those of the call whose entry this is. */
export interface Turn {
  timeMs: number;
  readonly seed: number;
  /** Made when the first number is asked for. */
  generator: (() => number) | null;
  /** Null outside a call: nobody would read it. */
  log: ((level: LogLevel, message: string, fieldsJson?: string) => void) | null;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** What the host is given of an entry, microtasks included: records separated by line feeds. */
export interface Box {
  out: string;
}

export interface Realm {
  readonly global: Record<string, unknown>;
  readonly parse: (json: string) => unknown;
  readonly stringify: (value: unknown) => string | undefined;
  readonly apply: typeof Reflect.apply;
  readonly construct: typeof Reflect.construct;
  readonly define: typeof Reflect.defineProperty;
  readonly freeze: <T>(value: T) => T;
  readonly keys: (value: object) => string[];
  readonly Map: MapConstructor;
  readonly mapGet: <K, V>(map: Map<K, V>, key: K) => V | undefined;
  readonly mapSet: <K, V>(map: Map<K, V>, key: K, value: V) => void;
  readonly mapDelete: <K, V>(map: Map<K, V>, key: K) => boolean;
  readonly mapSize: (map: Map<unknown, unknown>) => number;
  readonly slice: (text: string, from: number, to: number) => string;
  readonly Promise: PromiseConstructor;
  readonly Error: ErrorConstructor;
  readonly TypeError: TypeErrorConstructor;
  readonly RangeError: RangeErrorConstructor;
  readonly text: (value: unknown) => string;
  turn: Turn;
  box: Box;
}

export function captureRealm(): Realm {
  const { apply, construct, defineProperty, getOwnPropertyDescriptor } = Reflect;
  const { parse, stringify } = JSON;
  const { get, set, delete: remove } = Map.prototype;
  const size = getOwnPropertyDescriptor(Map.prototype, 'size')?.get as () => number;
  const { slice } = String.prototype;
  return {
    global: globalThis,
    parse: parse as (json: string) => unknown,
    stringify: stringify as (value: unknown) => string | undefined,
    apply,
    construct,
    define: defineProperty,
    freeze: Object.freeze,
    keys: Object.keys,
    Map,
    mapGet: (map, key) => apply(get, map, [key]),
    mapSet: (map, key, value) => {
      apply(set, map, [key, value]);
    },
    mapDelete: (map, key) => apply(remove, map, [key]),
    mapSize: (map) => apply(size, map, []),
    slice: (text, from, to) => apply(slice, text, [from, to]),
    Promise,
    Error,
    TypeError,
    RangeError,
    text: String,
    turn: { timeMs: 0, seed: 0, generator: null, log: null },
    box: { out: '' },
  };
}
