// A setting: how its text is read, what it should be, and what it is for. Pure; src/config.ts holds the table.

export type SettingKind = 'integer' | 'boolean' | 'choice' | 'text' | 'path' | 'url' | 'name';

export type SettingValue = string | number | boolean | null;

export interface Setting<T extends SettingValue = SettingValue> {
  kind: SettingKind;
  /** Of the value when nothing is set. */
  default: T;
  /** What it should be, for people: "a whole number from 0 to 65535". */
  expected: string;
  unit?: string;
  /** What it does. */
  description: string;
  /** Never shown. */
  secret: boolean;
  /**
   * Whoever may set it may start programs on this machine, has keys sent where they like, or takes down a wall: it is for those who can
   * change the environment, and never comes out of the store.
   */
  local: boolean;
  /** runtime: a change has effect at once. start: at the next start. */
  change: 'runtime' | 'start';
  /** The value, or undefined when the text is not what is expected. */
  read: (text: string) => T | undefined;
}

interface About {
  description: string;
  unit?: string;
  secret?: boolean;
  local?: boolean;
  change?: 'runtime' | 'start';
}

export function integer(options: About & { default: number; min: number; max: number }): Setting<number>;
/** With `off`, the word and a default of null switch it off. */
export function integer(options: About & { default: number | null; min: number; max: number; off: true }): Setting<number | null>;
export function integer(options: About & { default: number | null; min: number; max: number; off?: boolean }): Setting<number | null> {
  const { min, max, off = false, default: fallback, ...about } = options;
  return {
    ...complete(about),
    kind: 'integer',
    default: fallback,
    expected: `a whole number from ${min} to ${max}${off ? ', or off' : ''}`,
    read: (text) => {
      if (off && text === 'off') return null;
      if (!/^\d{1,15}$/.test(text)) return undefined;
      const value = Number(text);
      return value < min || value > max ? undefined : value;
    },
  };
}

export function boolean(options: About & { default: boolean }): Setting<boolean> {
  const { default: fallback, ...about } = options;
  const words = new Map([
    ...['true', '1', 'yes', 'on'].map((word) => [word, true] as const),
    ...['false', '0', 'no', 'off'].map((word) => [word, false] as const),
  ]);
  return {
    ...complete(about),
    kind: 'boolean',
    default: fallback,
    expected: 'true or false',
    read: (text) => words.get(text.toLowerCase()),
  };
}

export function choice<const T extends string>(options: About & { default: NoInfer<T>; values: readonly T[] }): Setting<T> {
  const { values, default: fallback, ...about } = options;
  return {
    ...complete(about),
    kind: 'choice',
    default: fallback,
    expected: `one of ${values.join(', ')}`,
    read: (text) => values.find((value) => value === text),
  };
}

interface TextOptions extends About {
  expected: string;
  pattern: RegExp;
  kind?: 'text' | 'name';
}

/** Any text that matches, at most 4,096 characters; without a default, null when it is not set. */
export function text(options: TextOptions & { default: string }): Setting<string>;
export function text(options: TextOptions): Setting<string | null>;
export function text(options: TextOptions & { default?: string }): Setting<string | null> {
  const { pattern, expected, kind = 'text', default: fallback = null, ...about } = options;
  return {
    ...complete(about),
    kind,
    default: fallback,
    expected,
    read: (value) => (value.length <= 4_096 && pattern.test(value) ? value : undefined),
  };
}

/** A file or folder; relative ones are meant from the folder the program is started in. Without a default, null when it is not set. */
export function path(options: About & { default: string }): Setting<string>;
export function path(options: About): Setting<string | null>;
export function path(options: About & { default?: string }): Setting<string | null> {
  const { default: fallback = null, ...about } = options;
  return {
    ...complete(about),
    kind: 'path',
    default: fallback,
    expected: 'a path',
    read: (value) => (value.length > 0 && value.length <= 4_096 && !value.includes('\0') ? value : undefined),
  };
}

/** http or https, without user name, query or fragment; kept without a slash at its end; null when it is not set. */
export function url(options: About): Setting<string | null> {
  return {
    ...complete(options),
    kind: 'url',
    default: null,
    expected: 'an address like https://seed.example.com',
    read: (value) => {
      const parsed = URL.canParse(value) ? new URL(value) : null;
      if (parsed === null || !/^https?:$/.test(parsed.protocol)) return undefined;
      if (parsed.username !== '' || parsed.password !== '' || parsed.search !== '' || parsed.hash !== '') return undefined;
      return parsed.href.replace(/\/+$/, '');
    },
  };
}

function complete(about: About): Pick<Setting, 'description' | 'unit' | 'secret' | 'local' | 'change'> {
  const { description, unit, secret = false, local = secret, change = 'start' } = about;
  return { description, secret, local, change, ...(unit === undefined ? {} : { unit }) };
}
