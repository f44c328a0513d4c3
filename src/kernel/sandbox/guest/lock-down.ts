// Takes away what an agent has no use for and what would let it out of its limits or tell it the real time.
import type { Realm } from './realm.ts';

/**
 * WebAssembly's memory is not counted, SharedArrayBuffer and Atomics are a clock, finalizers run outside every limit, and a
 * prepareStackTrace would run while V8 copies an error out. Code from strings is refused through every constructor that makes it.
 */
export function lockDown(realm: Realm): void {
  const { global, define, TypeError } = realm;
  const gone = ['WebAssembly', 'SharedArrayBuffer', 'Atomics', 'FinalizationRegistry', 'WeakRef', 'Temporal', 'console', 'ShadowRealm'];
  for (let index = 0; index < gone.length; index += 1) delete global[gone[index] as string];

  define(Error, 'prepareStackTrace', { value: undefined, writable: false, enumerable: false, configurable: false });

  const refuse = function (): never {
    throw new TypeError('code from strings is not allowed here');
  };
  const makers = [function () {}, function* () {}, async function () {}, async function* () {}];
  for (let index = 0; index < makers.length; index += 1) {
    const prototype = Object.getPrototypeOf(makers[index]) as object;
    const poisoned = function (): never {
      return refuse();
    };
    define(poisoned, 'prototype', { value: prototype, writable: false, enumerable: false, configurable: false });
    define(prototype, 'constructor', { value: poisoned, writable: false, enumerable: false, configurable: false });
    // instanceof Function goes on working.
    if (index === 0) define(global, 'Function', { value: poisoned, writable: true, enumerable: false, configurable: true });
  }
  define(global, 'eval', { value: refuse, writable: true, enumerable: false, configurable: true });
}
