// Globals that most agents never touch are made at their first use: a context costs a quarter of a millisecond, not a whole one.
import type { Realm } from './realm.ts';

export interface LazyGlobals {
  names: readonly string[];
  /** Defines all of `names` on the global. */
  install: (global: Record<string, unknown>) => void;
}

export function installLazily(realm: Realm, groups: readonly LazyGlobals[]): void {
  const { define, global } = realm;
  for (let at = 0; at < groups.length; at += 1) {
    const { names, install } = groups[at] as LazyGlobals;
    for (let index = 0; index < names.length; index += 1) {
      const name = names[index] as string;
      define(global, name, {
        get() {
          install(global);
          return global[name];
        },
        set(value: unknown) {
          define(global, name, { value, writable: true, enumerable: false, configurable: true });
        },
        enumerable: false,
        configurable: true,
      });
    }
  }
}
