// Date, Intl.DateTimeFormat and Math.random as the call sees them: time stands still, chance comes from the recorded seed.
import type { Realm, Turn } from './realm.ts';

export function installClock(realm: Realm, randomOf: (turn: Turn) => number): void {
  const { global, apply, construct, define } = realm;
  const RealDate = Date;
  const { toString } = RealDate.prototype;
  const hidden = <T>(value: T) => ({ value, writable: true, enumerable: false, configurable: true });

  const GuestDate = function (this: unknown, ...parts: unknown[]): unknown {
    if (new.target === undefined) return apply(toString, new RealDate(realm.turn.timeMs), []);
    return construct(RealDate, parts.length === 0 ? [realm.turn.timeMs] : parts, new.target);
  };
  define(GuestDate, 'prototype', { value: RealDate.prototype, writable: false, enumerable: false, configurable: false });
  define(GuestDate, 'name', { value: 'Date', writable: false, enumerable: false, configurable: true });
  define(GuestDate, 'length', { value: 7, writable: false, enumerable: false, configurable: true });
  const now = { now: (): number => realm.turn.timeMs }.now;
  define(GuestDate, 'now', hidden(now));
  define(GuestDate, 'parse', hidden(RealDate.parse));
  define(GuestDate, 'UTC', hidden(RealDate.UTC));
  define(RealDate.prototype, 'constructor', hidden(GuestDate));
  define(global, 'Date', hidden(GuestDate));

  const random = { random: (): number => randomOf(realm.turn) }.random;
  define(Math, 'random', hidden(random));

  // Without an argument both mean the real time.
  const { prototype } = Intl.DateTimeFormat;
  const getFormat = Object.getOwnPropertyDescriptor(prototype, 'format')?.get as () => (date?: unknown) => string;
  const { formatToParts } = prototype;
  const formats = new WeakMap<object, (date?: unknown) => string>();
  const { get, set } = WeakMap.prototype;
  const accessor = {
    get format(): (date?: unknown) => string {
      const known = apply(get, formats, [this]) as ((date?: unknown) => string) | undefined;
      if (known !== undefined) return known;
      const real = apply(getFormat, this, []);
      const format = (date?: unknown): string => real(date === undefined ? realm.turn.timeMs : date);
      apply(set, formats, [this, format]);
      return format;
    },
  };
  const getter = Object.getOwnPropertyDescriptor(accessor, 'format')?.get;
  define(prototype, 'format', { get: getter, set: undefined, enumerable: false, configurable: true });
  const parts = {
    formatToParts(date?: unknown): unknown {
      return apply(formatToParts, this, [date === undefined ? realm.turn.timeMs : date]);
    },
  }.formatToParts;
  define(prototype, 'formatToParts', hidden(parts));
}
