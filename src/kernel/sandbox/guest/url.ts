// URL (https://url.spec.whatwg.org/#url-parsing), written from the standard's states; its tests compare it with Node's.
import type { UrlHost } from './url-host.ts';
import type { AttachedParams } from './url-search-params.ts';

export function installUrl(global: Record<string, unknown>, options: { host: UrlHost; params: AttachedParams }): void {
  const { host, params } = options;

  interface UrlRecord {
    scheme: string;
    username: string;
    password: string;
    host: string | null;
    port: number | null;
    /** A text where the path is opaque. */
    path: string[] | string;
    query: string | null;
    fragment: string | null;
  }

  const PORTS: Record<string, number | null> = { 'ftp:': 21, 'file:': null, 'http:': 80, 'https:': 443, 'ws:': 80, 'wss:': 443 };
  const QUERY = ' "#<>';
  const PATH = `${QUERY}?^\`{}`;
  const USERINFO = `${PATH}/:;=@[\\]|`;
  const isSpecial = (url: UrlRecord): boolean => Object.hasOwn(PORTS, url.scheme);
  const isDrive = (text: string): boolean => /^[a-z][:|]$/i.test(text);
  const startsWithDrive = (text: string): boolean => /^[a-z][:|](?:[/\\?#]|$)/i.test(text);

  function parse(input: string, base: UrlRecord | null): UrlRecord | null {
    // eslint-disable-next-line no-control-regex -- the standard's list
    let rest = input.replace(/^[\0-\x20]+|[\0-\x20]+$/g, '').replace(/[\t\n\r]/g, '');
    let fragment: string | null = null;
    const hash = rest.indexOf('#');
    if (hash >= 0) {
      fragment = host.encode(rest.slice(hash + 1), ' "<>`');
      rest = rest.slice(0, hash);
    }
    const named = /^[a-z][a-z0-9+.-]*:/i.exec(rest);
    const url: UrlRecord = { scheme: '', username: '', password: '', host: null, port: null, path: [], query: null, fragment };
    if (named === null) {
      if (base === null) return null;
      if (typeof base.path === 'string') return rest === '' && fragment !== null ? { ...base, fragment } : null;
      url.scheme = base.scheme;
      return base.scheme === 'file:' ? file(url, { rest, base }) : relative(url, { rest, base });
    }
    url.scheme = named[0].toLowerCase();
    rest = rest.slice(named[0].length);
    if (url.scheme === 'file:') return file(url, { rest, base: base?.scheme === 'file:' ? base : null });
    if (isSpecial(url)) {
      if (base?.scheme === url.scheme && !/^\/\//.test(rest)) return relative(url, { rest, base });
      return authority(url, rest.replace(/^[/\\]*/, ''));
    }
    if (rest.startsWith('//')) return authority(url, rest.slice(2));
    if (rest.startsWith('/')) return pathAndQuery(url, rest);
    const [opaque, query] = splitQuery(rest);
    url.path = host.encode(opaque, '');
    return setQuery(url, query);
  }

  function splitQuery(text: string): [path: string, query: string | null] {
    const at = text.indexOf('?');
    return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
  }

  function setQuery(url: UrlRecord, query: string | null): UrlRecord {
    url.query = query === null ? null : host.encode(query, isSpecial(url) ? `${QUERY}'` : QUERY);
    return url;
  }

  function pathAndQuery(url: UrlRecord, text: string): UrlRecord {
    const [path, query] = splitQuery(text);
    addPath(url, path);
    return setQuery(url, query);
  }

  function addPath(url: UrlRecord, text: string): void {
    const path = url.path as string[];
    const slashes = isSpecial(url) ? text.replaceAll('\\', '/') : text;
    if (slashes === '' && !isSpecial(url)) return;
    const segments = (slashes.startsWith('/') ? slashes.slice(1) : slashes).split('/');
    segments.forEach((segment, index) => {
      const last = index === segments.length - 1;
      const dots = segment.toLowerCase().replaceAll('%2e', '.');
      if (dots === '..') shorten(url);
      if (dots === '..' || dots === '.') {
        if (last) path.push('');
        return;
      }
      const drive = url.scheme === 'file:' && path.length === 0 && isDrive(segment);
      path.push(drive ? `${segment[0]}:` : host.encode(segment, PATH));
    });
  }

  function shorten(url: UrlRecord): void {
    const path = url.path as string[];
    if (url.scheme === 'file:' && path.length === 1 && /^[a-z]:$/i.test(path[0] as string)) return;
    path.pop();
  }

  function relative(url: UrlRecord, from: { rest: string; base: UrlRecord }): UrlRecord | null {
    const { rest, base } = from;
    const slash = isSpecial(url) ? /^[/\\]/ : /^\//;
    if (slash.test(rest)) {
      if (isSpecial(url) && slash.test(rest.slice(1))) return authority(url, rest.replace(/^[/\\]*/, ''));
      if (rest.startsWith('//')) return authority(url, rest.slice(2));
    }
    const { username, password, port } = base;
    Object.assign(url, { username, password, host: base.host, port });
    if (slash.test(rest)) return pathAndQuery(url, rest);
    url.path = [...(base.path as string[])];
    return continuePath(url, { rest, base });
  }

  /** A path that goes on from the base's. */
  function continuePath(url: UrlRecord, from: { rest: string; base: UrlRecord }): UrlRecord {
    const [path, query] = splitQuery(from.rest);
    if (path === '') {
      if (query !== null) return setQuery(url, query);
      url.query = from.base.query;
      return url;
    }
    if (url.scheme === 'file:' && startsWithDrive(path)) url.path = [];
    else shorten(url);
    return pathAndQuery(url, from.rest);
  }

  function file(url: UrlRecord, from: { rest: string; base: UrlRecord | null }): UrlRecord | null {
    const { rest, base } = from;
    url.host = '';
    if (/^[/\\]{2}/.test(rest)) {
      const [, name = '', tail = ''] = /^([^/\\?]*)(.*)$/s.exec(rest.slice(2)) ?? [];
      if (isDrive(name)) return pathAndQuery(url, name + tail);
      const parsed = name === '' ? '' : host.parse(name, true);
      if (parsed === null) return null;
      url.host = parsed === 'localhost' ? '' : parsed;
      return pathAndQuery(url, tail);
    }
    if (base === null) return pathAndQuery(url, rest);
    url.host = base.host;
    if (/^[/\\]/.test(rest)) {
      const first = (base.path as string[])[0];
      if (!startsWithDrive(rest.slice(1)) && first !== undefined && /^[a-z]:$/i.test(first)) url.path = [first];
      return pathAndQuery(url, rest);
    }
    url.path = [...(base.path as string[])];
    return continuePath(url, { rest, base });
  }

  function authority(url: UrlRecord, text: string): UrlRecord | null {
    const end = text.search(isSpecial(url) ? /[/\\?]/ : /[/?]/);
    const [whole, tail] = end < 0 ? [text, ''] : [text.slice(0, end), text.slice(end)];
    const at = whole.lastIndexOf('@');
    const place = whole.slice(at + 1);
    if (at >= 0) {
      if (place === '') return null;
      const [username, password] = splitOnce(whole.slice(0, at), ':');
      url.username = host.encode(username, USERINFO);
      url.password = host.encode(password ?? '', USERINFO);
    }
    const [, name = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(place) ?? [];
    if (place !== '' && name === '' && (port !== undefined || isSpecial(url))) return null;
    if (name === '' && isSpecial(url)) return null;
    url.host = name === '' ? '' : host.parse(name, isSpecial(url));
    if (url.host === null) return null;
    if (place !== name && port === undefined) return null;
    if (port !== undefined && port !== '') {
      if (!/^[0-9]+$/.test(port) || Number(port) > 65_535) return null;
      setPort(url, Number(port));
    }
    return pathAndQuery(url, tail);
  }

  function splitOnce(text: string, by: string): [string, string | undefined] {
    const at = text.indexOf(by);
    return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
  }

  function setPort(url: UrlRecord, port: number): void {
    url.port = PORTS[url.scheme] === port ? null : port;
  }

  function pathText(url: UrlRecord): string {
    return typeof url.path === 'string' ? url.path : url.path.map((segment) => `/${segment}`).join('');
  }

  function serialise(url: UrlRecord): string {
    let text = url.scheme;
    if (url.host !== null) {
      text += '//';
      if (url.username !== '' || url.password !== '') text += `${url.username}${url.password === '' ? '' : `:${url.password}`}@`;
      text += url.host + (url.port === null ? '' : `:${url.port}`);
    } else if (typeof url.path !== 'string' && url.path.length > 1 && url.path[0] === '') text += '/.';
    return text + pathText(url) + (url.query === null ? '' : `?${url.query}`) + (url.fragment === null ? '' : `#${url.fragment}`);
  }

  class GuestUrl {
    #url: UrlRecord;
    #params: URLSearchParams | null = null;

    constructor(input: unknown, base?: unknown) {
      const from = base === undefined ? null : parse(String(base).toWellFormed(), null);
      const url = base !== undefined && from === null ? null : parse(String(input).toWellFormed(), from);
      if (url === null) throw Object.assign(new TypeError('Invalid URL'), { code: 'ERR_INVALID_URL', input: String(input) });
      this.#url = url;
    }

    static canParse(input: unknown, base?: unknown): boolean {
      return GuestUrl.parse(input, base) !== null;
    }

    static parse(input: unknown, base?: unknown): GuestUrl | null {
      try {
        return new GuestUrl(input, base);
      } catch {
        return null;
      }
    }

    get href(): string {
      return serialise(this.#url);
    }

    set href(value: unknown) {
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
      if (this.#mayHaveCredentials()) this.#url.username = host.encode(String(value), USERINFO);
    }

    get password(): string {
      return this.#url.password;
    }

    set password(value: unknown) {
      if (this.#mayHaveCredentials()) this.#url.password = host.encode(String(value), USERINFO);
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
      this.#url.fragment = text === '' ? null : host.encode(text.replace(/^#/, ''), ' "<>`');
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
      if (name === '' && (!optional || port !== undefined || this.#url.username !== '' || this.#url.password !== '' || this.#url.port !== null)) return;
      const parsed = name === '' ? '' : host.parse(name, isSpecial(this.#url));
      if (parsed === null || (port !== undefined && this.#url.scheme === 'file:')) return;
      this.#url.host = this.#url.scheme === 'file:' && parsed === 'localhost' ? '' : parsed;
      if (withPort && port !== undefined && port !== '') this.port = port;
    }
  }

  Object.defineProperty(GuestUrl, 'name', { value: 'URL', configurable: true });
  Object.defineProperty(global, 'URL', { value: GuestUrl, writable: true, enumerable: false, configurable: true });
}
