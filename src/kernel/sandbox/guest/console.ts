// console, as a way to write into the log of the call that is running.
import type { LogLevel, Realm } from './realm.ts';

export function installConsole(realm: Realm): void {
  const { global, define, stringify, text } = realm;

  const show = (value: unknown): string => {
    if (typeof value === 'string') return value;
    if (typeof value !== 'object' || value === null) return text(value);
    try {
      if (value instanceof realm.Error) return text(value);
      return stringify(value) ?? text(value);
    } catch {
      return '[unprintable]';
    }
  };
  const writer =
    (level: LogLevel) =>
    (...values: unknown[]): void => {
      if (realm.turn.log === null) return;
      let line = '';
      for (let index = 0; index < values.length; index += 1) line += (index === 0 ? '' : ' ') + show(values[index]);
      realm.turn.log(level, line);
    };
  const guestConsole = {
    debug: writer('debug'),
    log: writer('info'),
    info: writer('info'),
    warn: writer('warn'),
    error: writer('error'),
    trace: writer('debug'),
  };
  define(global, 'console', { value: guestConsole, writable: true, enumerable: false, configurable: true });
}
