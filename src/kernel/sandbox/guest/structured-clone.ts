// structuredClone (https://html.spec.whatwg.org/#structuredserialize) for what an agent can hold: no transfer, no host objects.

export function installStructuredClone(global: Record<string, unknown>): void {
  const errorTypes: Record<string, ErrorConstructor> = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
  const tagOf = (value: object): string => Object.prototype.toString.call(value).slice(8, -1);
  /** By brand, not by tag or prototype: both can be made up. */
  const isBrand = (check: () => unknown): boolean => {
    try {
      check();
      return true;
    } catch {
      return false;
    }
  };
  const typedArrayLength = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype) as object, 'length')
    ?.get as () => number;
  const mapSize = Object.getOwnPropertyDescriptor(Map.prototype, 'size')?.get as () => number;
  const setSize = Object.getOwnPropertyDescriptor(Set.prototype, 'size')?.get as () => number;
  const bufferLength = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'byteLength')?.get as () => number;

  const refuse = (value: unknown): never => {
    const shown =
      typeof value === 'symbol' ? String(value) : typeof value === 'function' ? `function ${value.name}` : tagOf(value as object);
    const error = new Error(`${shown} could not be cloned.`);
    Object.defineProperty(error, 'name', { value: 'DataCloneError', writable: true, enumerable: false, configurable: true });
    throw error;
  };

  const clone = (value: unknown, known: Map<object, object>): unknown => {
    if (typeof value === 'symbol' || typeof value === 'function') return refuse(value);
    if (typeof value !== 'object' || value === null) return value;
    const before = known.get(value);
    if (before !== undefined) return before;
    const keep = <Copy extends object>(copy: Copy): Copy => {
      known.set(value, copy);
      return copy;
    };
    const members = (copy: Record<string, unknown>): object => {
      for (const key of Object.keys(value)) {
        const member = clone((value as Record<string, unknown>)[key], known);
        Object.defineProperty(copy, key, { value: member, writable: true, enumerable: true, configurable: true });
      }
      return copy;
    };

    if (Array.isArray(value)) {
      const copy = keep<unknown[]>([]);
      copy.length = value.length;
      return members(copy as unknown as Record<string, unknown>);
    }
    if (isBrand(() => Date.prototype.getTime.call(value))) return keep(new Date((value as Date).getTime()));
    if (isBrand(() => mapSize.call(value))) {
      const copy = keep(new Map<unknown, unknown>());
      for (const [key, member] of [...(value as Map<unknown, unknown>)]) copy.set(clone(key, known), clone(member, known));
      return copy;
    }
    if (isBrand(() => setSize.call(value))) {
      const copy = keep(new Set<unknown>());
      for (const member of [...(value as Set<unknown>)]) copy.add(clone(member, known));
      return copy;
    }
    if (isBrand(() => bufferLength.call(value))) return keep((value as ArrayBuffer).slice(0));
    if (ArrayBuffer.isView(value)) {
      const buffer = clone(value.buffer, known) as ArrayBuffer;
      if (value instanceof DataView) return keep(new DataView(buffer, value.byteOffset, value.byteLength));
      const TypedArray = global[tagOf(value)] as new (buffer: ArrayBuffer, offset: number, length: number) => object;
      return keep(new TypedArray(buffer, value.byteOffset, typedArrayLength.call(value)));
    }
    const tag = tagOf(value);
    if (tag === 'RegExp' && value instanceof RegExp) return keep(new RegExp(value.source, value.flags));
    if (tag === 'Error' || value instanceof Error) {
      const { name, message, stack, cause } = value as Error;
      const copy = keep(new (errorTypes[String(name)] ?? Error)(String(message)));
      if (typeof stack === 'string')
        Object.defineProperty(copy, 'stack', { value: stack, writable: true, enumerable: false, configurable: true });
      if (cause !== undefined)
        Object.defineProperty(copy, 'cause', { value: clone(cause, known), writable: true, enumerable: false, configurable: true });
      return copy;
    }
    if (tag === 'Boolean' || tag === 'Number' || tag === 'String' || tag === 'BigInt') {
      if (value instanceof Boolean || value instanceof Number || value instanceof String || value instanceof BigInt)
        return keep(Object(value.valueOf()) as object);
    }
    if (tag === 'Promise' || tag === 'WeakMap' || tag === 'WeakSet' || tag === 'Generator' || tag === 'Symbol') return refuse(value);
    return members(keep({}));
  };

  const structuredClone = (...values: unknown[]): unknown => {
    if (values.length === 0) throw new TypeError('structuredClone needs a value');
    return clone(values[0], new Map());
  };
  Object.defineProperty(global, 'structuredClone', { value: structuredClone, writable: true, enumerable: false, configurable: true });
}
