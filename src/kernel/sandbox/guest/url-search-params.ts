// URLSearchParams (https://url.spec.whatwg.org/#interface-urlsearchparams).
import type { UrlHost } from './url-host.ts';

/** How a URL keeps its search parameters: a change of one is written to the other. */
export interface AttachedParams {
  attach(update: (query: string) => void): URLSearchParams;
  replace(params: URLSearchParams, query: string): void;
}

export function installUrlSearchParams(global: Record<string, unknown>, host: UrlHost): AttachedParams {
  type Pair = [name: string, value: string];
  const parse = (query: string): Pair[] =>
    query
      .split('&')
      .filter((part) => part !== '')
      .map((part) => {
        const at = part.indexOf('=');
        const [name, value] = at < 0 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)];
        return [host.decode(name.replaceAll('+', ' ')), host.decode(value.replaceAll('+', ' '))];
      });
  const encode = (text: string): string => host.encode(text, '"#<>?^`{}/:;=@[\\]|$%&+,!\'()~').replaceAll(' ', '+');
  const scalar = (value: unknown): string => String(value).toWellFormed();
  let attached: AttachedParams;

  class GuestSearchParams {
    #pairs: Pair[] = [];
    #update: ((query: string) => void) | null = null;

    static {
      attached = {
        attach(update) {
          const params = new GuestSearchParams();
          params.#update = update;
          return params;
        },
        replace(params, query) {
          (params as unknown as GuestSearchParams).#pairs = parse(query);
        },
      };
    }

    constructor(init: unknown = '') {
      if (typeof init !== 'object' || init === null) {
        const text = scalar(init);
        this.#pairs = parse(text.startsWith('?') ? text.slice(1) : text);
      } else if (typeof (init as Partial<Iterable<unknown>>)[Symbol.iterator] === 'function') {
        for (const pair of init as Iterable<Iterable<unknown>>) {
          const both = [...pair];
          if (both.length !== 2) throw new TypeError('each pair must have a name and a value');
          this.#pairs.push([scalar(both[0]), scalar(both[1])]);
        }
      } else for (const [name, value] of Object.entries(init)) this.#pairs.push([scalar(name), scalar(value)]);
    }

    get size(): number {
      return this.#pairs.length;
    }

    append(name: unknown, value: unknown): void {
      this.#pairs.push([scalar(name), scalar(value)]);
      this.#changed();
    }

    delete(name: unknown, value?: unknown): void {
      const [wanted, content] = [scalar(name), value === undefined ? undefined : scalar(value)];
      this.#pairs = this.#pairs.filter(([known, held]) => known !== wanted || (content !== undefined && held !== content));
      this.#changed();
    }

    get(name: unknown): string | null {
      const wanted = scalar(name);
      return this.#pairs.find(([known]) => known === wanted)?.[1] ?? null;
    }

    getAll(name: unknown): string[] {
      const wanted = scalar(name);
      return this.#pairs.filter(([known]) => known === wanted).map(([, value]) => value);
    }

    has(name: unknown, value?: unknown): boolean {
      const [wanted, content] = [scalar(name), value === undefined ? undefined : scalar(value)];
      return this.#pairs.some(([known, held]) => known === wanted && (content === undefined || held === content));
    }

    set(name: unknown, value: unknown): void {
      const wanted = scalar(name);
      const at = this.#pairs.findIndex(([known]) => known === wanted);
      if (at < 0) this.#pairs.push([wanted, scalar(value)]);
      else {
        this.#pairs = this.#pairs.filter(([known], index) => known !== wanted || index === at);
        (this.#pairs[at] as Pair)[1] = scalar(value);
      }
      this.#changed();
    }

    sort(): void {
      this.#pairs = this.#pairs.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
      this.#changed();
    }

    forEach(each: (value: string, name: string, params: this) => void, self?: unknown): void {
      for (const [name, value] of this) each.call(self, value, name, this);
    }

    *entries(): Generator<Pair> {
      for (let index = 0; index < this.#pairs.length; index += 1) yield [...(this.#pairs[index] as Pair)];
    }

    *keys(): Generator<string> {
      for (const [name] of this) yield name;
    }

    *values(): Generator<string> {
      for (const [, value] of this) yield value;
    }

    [Symbol.iterator](): Generator<Pair> {
      return this.entries();
    }

    toString(): string {
      return this.#pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&');
    }

    get [Symbol.toStringTag](): string {
      return 'URLSearchParams';
    }

    #changed(): void {
      this.#update?.(this.toString());
    }
  }

  Object.defineProperty(GuestSearchParams, 'name', { value: 'URLSearchParams', configurable: true });
  Object.defineProperty(global, 'URLSearchParams', { value: GuestSearchParams, writable: true, enumerable: false, configurable: true });
  return attached!;
}
