// Any thrown value as JSON text, made inside the isolate: getters and proxies of the value run under the call's limits.
import type { Realm } from './realm.ts';

/** {name, message, stack?, code?}; what can not be read is left out. */
export function errorDescriber(realm: Realm): (error: unknown) => string {
  const { stringify, slice, text } = realm;

  const read = (error: object, member: string, limit: number): string | undefined => {
    try {
      const value = (error as Record<string, unknown>)[member];
      return typeof value === 'string' ? slice(value, 0, limit) : undefined;
    } catch {
      return undefined;
    }
  };
  const print = (value: unknown): string => {
    try {
      return slice(text(value), 0, 4096);
    } catch {
      return 'an error that can not be shown';
    }
  };

  // Concatenated, because JSON.stringify would ask an object for a toJSON that the agent may have put on Object.prototype.
  return (error) => {
    if ((typeof error !== 'object' || error === null) && typeof error !== 'function') {
      return `{"name":"Error","message":${stringify(print(error))}}`;
    }
    const message = read(error, 'message', 4096) ?? print(error);
    const stack = read(error, 'stack', 8192);
    const code = read(error, 'code', 64);
    return (
      `{"name":${stringify(read(error, 'name', 64) ?? 'Error')},"message":${stringify(message)}` +
      `${stack === undefined ? '' : `,"stack":${stringify(stack)}`}${code === undefined ? '' : `,"code":${stringify(code)}`}}`
    );
  };
}
