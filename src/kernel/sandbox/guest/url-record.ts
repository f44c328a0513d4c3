// URLs as records of their parts (https://url.spec.whatwg.org/#url-parsing), written from the standard's states.
import type { UrlHost } from './url-host.ts';

export interface UrlRecord {
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

export interface UrlRecords {
  /** Null when the text is no URL. */
  parse(input: string, base: UrlRecord | null): UrlRecord | null;
  serialise(url: UrlRecord): string;
  pathText(url: UrlRecord): string;
  isSpecial(url: UrlRecord): boolean;
  addPath(url: UrlRecord, text: string): void;
  setQuery(url: UrlRecord, query: string | null): UrlRecord;
  setPort(url: UrlRecord, port: number): void;
  encodeUserinfo(text: string): string;
  encodeFragment(text: string): string;
}

export function urlRecords(host: UrlHost): UrlRecords {
  const PORTS: Record<string, number | null> = { 'ftp:': 21, 'file:': null, 'http:': 80, 'https:': 443, 'ws:': 80, 'wss:': 443 };
  const QUERY = ' "#<>';
  const PATH = `${QUERY}?^\`{}`;
  const USERINFO = `${PATH}/:;=@[\\]|`;
  const isSpecial = (url: UrlRecord): boolean => Object.hasOwn(PORTS, url.scheme);
  const encodeUserinfo = (text: string): string => host.encode(text, USERINFO);
  const encodeFragment = (text: string): string => host.encode(text, ' "<>`');
  const isDrive = (text: string): boolean => /^[a-z][:|]$/i.test(text);
  const startsWithDrive = (text: string): boolean => /^[a-z][:|](?:[/\\?#]|$)/i.test(text);

  function parse(input: string, base: UrlRecord | null): UrlRecord | null {
    // The standard's list
    let rest = input.replace(/^[\0-\x20]+|[\0-\x20]+$/g, '').replace(/[\t\n\r]/g, '');
    let fragment: string | null = null;
    const hash = rest.indexOf('#');
    if (hash >= 0) {
      fragment = encodeFragment(rest.slice(hash + 1));
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
      if (base?.scheme === url.scheme && !rest.startsWith('//')) return relative(url, { rest, base });
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
      url.username = encodeUserinfo(username);
      url.password = encodeUserinfo(password ?? '');
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

  return { parse, serialise, pathText, isSpecial, addPath, setQuery, setPort, encodeUserinfo, encodeFragment };
}
