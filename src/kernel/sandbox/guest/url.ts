// URL (https://url.spec.whatwg.org/#api) over the records of its parts; its tests compare it with Node's.
import type { UrlHost } from './url-host.ts';
import type { UrlRecord, UrlRecords } from './url-record.ts';
import type { AttachedParams } from './url-search-params.ts';

export function installUrl(global: Record<string, unknown>, options: { host: UrlHost; records: UrlRecords; params: AttachedParams }): void {
  const { host, records, params } = options;
  const { parse, serialise, pathText, isSpecial, addPath, setQuery, setPort, encodeUserinfo, encodeFragment } = records;

  class GuestUrl {
    #url: UrlRecord;
    #params: URLSearchParams | null = null;

    constructor(input: string | URL, base?: string | URL) {
      const from = base === undefined ? null : parse(`${base}`.toWellFormed(), null);
      const url = base !== undefined && from === null ? null : parse(`${input}`.toWellFormed(), from);
      if (url === null) throw Object.assign(new TypeError('Invalid URL'), { code: 'ERR_INVALID_URL', input: `${input}` });
      this.#url = url;
    }

    static canParse(input: string | URL, base?: string | URL): boolean {
      return GuestUrl.parse(input, base) !== null;
    }

    static parse(input: string | URL, base?: string | URL): GuestUrl | null {
      try {
        return new GuestUrl(input, base);
      } catch {
        return null;
      }
    }

    get href(): string {
      return serialise(this.#url);
    }

    set href(value: string) {
      this.#url = new GuestUrl(value).#url;
      this.#showQuery();
    }

    get origin(): string {
      const { scheme, host: name, port } = this.#url;
      if (scheme === 'blob:') {
        const inner = GuestUrl.parse(pathText(this.#url));
        return inner !== null && /^https?:$/.test(inner.protocol) ? inner.origin : 'null';
      }
      return isSpecial(this.#url) && scheme !== 'file:' ? `${scheme}//${name}${port === null ? '' : `:${port}`}` : 'null';
    }

    get protocol(): string {
      return this.#url.scheme;
    }

    set protocol(value: unknown) {
      const named = /^[a-z][a-z0-9+.-]*(?=:|$)/i.exec(String(value));
      if (named === null) return;
      const next = { ...this.#url, scheme: `${named[0].toLowerCase()}:` };
      if (isSpecial(next) !== isSpecial(this.#url)) return;
      if (next.scheme === 'file:' && (next.username !== '' || next.password !== '' || next.port !== null)) return;
      if (this.#url.scheme === 'file:' && this.#url.host === '') return;
      this.#url = next;
      if (next.port !== null) setPort(next, next.port);
    }

    get username(): string {
      return this.#url.username;
    }

    set username(value: unknown) {
      if (this.#mayHaveCredentials()) this.#url.username = encodeUserinfo(String(value));
    }

    get password(): string {
      return this.#url.password;
    }

    set password(value: unknown) {
      if (this.#mayHaveCredentials()) this.#url.password = encodeUserinfo(String(value));
    }

    get host(): string {
      return (this.#url.host ?? '') + (this.#url.port === null ? '' : `:${this.#url.port}`);
    }

    set host(value: unknown) {
      this.#setHost(String(value), true);
    }

    get hostname(): string {
      return this.#url.host ?? '';
    }

    set hostname(value: unknown) {
      this.#setHost(String(value), false);
    }

    get port(): string {
      return this.#url.port === null ? '' : String(this.#url.port);
    }

    set port(value: unknown) {
      if (!this.#mayHaveCredentials()) return;
      const text = String(value).replace(/[\t\n\r]/g, '');
      const digits = /^[0-9]+/.exec(text)?.[0];
      if (text === '') this.#url.port = null;
      else if (digits !== undefined && Number(digits) <= 65_535) setPort(this.#url, Number(digits));
    }

    get pathname(): string {
      return pathText(this.#url);
    }

    set pathname(value: unknown) {
      if (typeof this.#url.path === 'string') return;
      this.#url.path = [];
      addPath(this.#url, String(value).replace(/[\t\n\r]/g, ''));
    }

    get search(): string {
      return this.#url.query === null || this.#url.query === '' ? '' : `?${this.#url.query}`;
    }

    set search(value: unknown) {
      const text = String(value).replace(/[\t\n\r]/g, '');
      setQuery(this.#url, text === '' ? null : text.replace(/^\?/, ''));
      this.#showQuery();
    }

    get searchParams(): URLSearchParams {
      if (this.#params === null) {
        this.#params = params.attach((query) => {
          this.#url.query = query === '' ? null : query;
        });
        this.#showQuery();
      }
      return this.#params;
    }

    get hash(): string {
      return this.#url.fragment === null || this.#url.fragment === '' ? '' : `#${this.#url.fragment}`;
    }

    set hash(value: unknown) {
      const text = String(value).replace(/[\t\n\r]/g, '');
      this.#url.fragment = text === '' ? null : encodeFragment(text.replace(/^#/, ''));
    }

    toString(): string {
      return this.href;
    }

    toJSON(): string {
      return this.href;
    }

    get [Symbol.toStringTag](): string {
      return 'URL';
    }

    #mayHaveCredentials(): boolean {
      return this.#url.host !== null && this.#url.host !== '' && this.#url.scheme !== 'file:';
    }

    #showQuery(): void {
      if (this.#params !== null) params.replace(this.#params, this.#url.query ?? '');
    }

    #setHost(value: string, withPort: boolean): void {
      if (typeof this.#url.path === 'string') return;
      const text = value.replace(/[\t\n\r]/g, '');
      const end = text.search(isSpecial(this.#url) ? /[/\\?#]/ : /[/?#]/);
      const [, name = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(end < 0 ? text : text.slice(0, end)) ?? [];
      if (!withPort && port !== undefined) return;
      const optional = !isSpecial(this.#url) || this.#url.scheme === 'file:';
      if (
        name === '' &&
        (!optional || port !== undefined || this.#url.username !== '' || this.#url.password !== '' || this.#url.port !== null)
      )
        return;
      const parsed = name === '' ? '' : host.parse(name, isSpecial(this.#url));
      if (parsed === null || (port !== undefined && this.#url.scheme === 'file:')) return;
      this.#url.host = this.#url.scheme === 'file:' && parsed === 'localhost' ? '' : parsed;
      if (withPort && port !== undefined && port !== '') this.port = port;
    }
  }

  Object.defineProperty(GuestUrl, 'name', { value: 'URL', configurable: true });
  Object.defineProperty(global, 'URL', { value: GuestUrl, writable: true, enumerable: false, configurable: true });
}
