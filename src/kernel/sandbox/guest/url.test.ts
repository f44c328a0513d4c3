import fc from 'fast-check';
import { expect, test } from 'vitest';
import { urlHost } from './url-host.ts';
import { installUrlSearchParams } from './url-search-params.ts';
import { urlRecords } from './url-record.ts';
import { installUrl } from './url.ts';

const realm: Record<string, unknown> = {};
const host = urlHost();
installUrl(realm, { host, records: urlRecords(host), params: installUrlSearchParams(realm, host) });
const GuestUrl = realm['URL'] as typeof URL;
const GuestSearchParams = realm['URLSearchParams'] as typeof URLSearchParams;

const PARTS = ['href', 'origin', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search', 'hash'] as const;

function seen(Url: typeof URL, input: string, base?: string): Record<string, string> | 'invalid' {
  const url = Url.parse(input, base);
  return url === null ? 'invalid' : Object.fromEntries(PARTS.map((part) => [part, url[part]]));
}

test.each([
  'http://example.com',
  'HTTP://User:Pa%20ss@EXAMPLE.com:080/a/../b/./c?x=1&y= #z `',
  'https://example.com:443/',
  'https://example.com:65536/',
  'https://ex ample.com/',
  'https://a@b@c/',
  'http://[::1]:3000/x',
  'http://[1:2:0:0:5:0:0:0]/',
  'http://[::ffff:192.168.0.1]/',
  'http://[::1',
  'http://0x7f.1/',
  'http://017700000001/',
  'http://256.256.256.256/',
  'http://1.2.3.4.5/',
  'http://192.168.257/',
  'http://exa%41mple.com/%zz%7e',
  'http://münchen.de/ä?ö#ü',
  'http://日本語。jp/',
  'http://faß.de/',
  'http://a%80/',
  'http:\\\\x\\y',
  'http:///x',
  'http:x',
  'http:',
  'http://',
  'file:///C|/a/../..',
  'file:c:\\windows',
  'file://localhost/x',
  'file://host/x/../y',
  'mailto:a@b.c?subject=x y',
  'data:text/plain,hello%20world#f',
  'javascript:alert(1)',
  'blob:https://a.b/uuid',
  'foo://bar/baz/../qux',
  'foo:/a/..//b',
  'foo://',
  'web+demo:/.//not-a-host/',
  'non-special://ho%20st/x',
  '  \t\nhttp://a\tb.com/\n x ',
  '//no-base',
  '/no-base',
  '',
])('reads %j as Node does', (input) => {
  expect(seen(GuestUrl, input)).toEqual(seen(URL, input));
});

test.each([
  ['../x?y', 'http://a/b/c/d?q#f'],
  ['//h/p', 'https://a/b'],
  ['/p', 'https://u:p@a:81/b/c'],
  ['?q', 'http://a/b/c?d'],
  ['#f', 'http://a/b/c?d'],
  ['', 'http://a/b/c?d#e'],
  ['http:x', 'http://a/b/c'],
  ['https:x', 'http://a/b/c'],
  ['\\x', 'http://a/b/c'],
  ['#f', 'mailto:x'],
  ['x', 'mailto:x'],
  ['x', 'file:///C:/a/b'],
  ['/x', 'file:///C:/a/b'],
  ['D|/x', 'file:///C:/a/b'],
  ['..', 'file:///C:/'],
  ['../../../x', 'foo://h/a'],
  ['x', 'foo:/a/b'],
])('resolves %j against %j as Node does', (input, base) => {
  expect(seen(GuestUrl, input, base)).toEqual(seen(URL, input, base));
});

const piece = fc.constantFrom(
  'a',
  'B',
  '0',
  '1',
  '%41',
  '%',
  '.',
  '..',
  '/',
  '\\',
  ':',
  '@',
  '?',
  '#',
  '&',
  '=',
  '[',
  ']',
  '-',
  '_',
  '~',
  "'",
  '"',
  '<',
  '^',
  '|',
  '{',
  '+',
  'é',
  '漢',
  '😀',
  'http:',
  'file:',
  'foo:',
  '//',
  '127.1',
  '0x1',
  'C:',
  '80',
);

test('agrees with Node on what is put together at random', () => {
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 12 }),
      fc.option(fc.constantFrom('http://a.b/c/d?e#f', 'file:///C:/x/y', 'foo://h/p/q')),
      (pieces, base) => {
        const input = pieces.join('');
        expect({ input, base, url: seen(GuestUrl, input, base ?? undefined) }).toEqual({
          input,
          base,
          url: seen(URL, input, base ?? undefined),
        });
      },
    ),
    { numRuns: 3000, seed: 20_260_102 },
  );
});

const SETTERS = ['protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search', 'hash'] as const;

test.each(['http://u:p@a.b:81/c/d?e=f#g', 'file:///C:/x', 'foo://h/p', 'mailto:x@y'])(
  'changes of %s have the effect they have in Node',
  (start) => {
    for (const part of SETTERS) {
      for (const value of [
        '',
        'x',
        'https',
        'ftp:',
        '8080',
        '80',
        '99999',
        '12ab',
        'new.host:90',
        '[::2]',
        'a/b',
        '/a b/../c',
        '?q=1 2',
        '#h i',
        'ü',
        'a?b#c',
        'a:b',
      ]) {
        const [ours, nodes] = [new GuestUrl(start), new URL(start)];
        ours[part] = value;
        nodes[part] = value;
        expect({ start, part, value, href: ours.href }).toEqual({ start, part, value, href: nodes.href });
      }
    }
  },
);

test('searchParams and search follow each other', () => {
  for (const Url of [GuestUrl, URL]) {
    const url = new Url('http://a/?b=1&c=2&b=3');
    url.searchParams.append('d', 'x y&z');
    url.searchParams.delete('b', '1');
    expect(url.search).toBe('?c=2&b=3&d=x+y%26z');
    url.search = '?new=1';
    expect([...url.searchParams]).toEqual([['new', '1']]);
    url.searchParams.delete('new');
    expect(url.href).toBe('http://a/');
  }
});

test('URLSearchParams agrees with Node', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 4 }), fc.string({ maxLength: 4 })), { maxLength: 5 }),
      fc.string({ maxLength: 12 }),
      (pairs, query) => {
        expect(new GuestSearchParams(pairs).toString()).toBe(new URLSearchParams(pairs).toString());
        expect([...new GuestSearchParams(query)]).toEqual([...new URLSearchParams(query)]);
        const [ours, nodes] = [new GuestSearchParams(pairs), new URLSearchParams(pairs)];
        for (const params of [ours, nodes]) {
          params.set('a', 'b');
          params.sort();
        }
        expect(ours.toString()).toBe(nodes.toString());
      },
    ),
    { seed: 20_260_102 },
  );
});
