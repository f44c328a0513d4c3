import { describe, expect, test } from 'vitest';
import { allowsUrl, covers, hostPattern, type HostPattern } from './host-pattern.ts';

function pattern(text: string): HostPattern {
  const made = hostPattern(text);
  if (typeof made === 'string') throw new Error(made);
  return made;
}

test.each([
  ['*', 'is no host'],
  ['*.*', 'is no host'],
  ['*.com', 'too wide'],
  ['*.localhost', 'too wide'],
  ['api.*.com', 'is no host'],
  ['https://example.com', 'is no host'],
  ['example.com/', 'is no host'],
  ['example.com/path', 'is no host'],
  ['user@example.com', 'is no host'],
  ['a b', 'is no host'],
  ['', 'is no host'],
  ['example.com:', 'is no host'],
  ['example.com:0', 'no valid port'],
  ['example.com:65536', 'no valid port'],
  ['example.com:080', 'no valid port'],
  ['Example.com', 'written as example.com'],
  ['bücher.example', 'written as xn--bcher-kva.example'],
  ['*.Example.com:8443', 'written as *.example.com:8443'],
  ['example.com.', 'written as example.com'],
  ['2130706433', 'written as 127.0.0.1'],
  ['127.1', 'written as 127.0.0.1'],
  ['127.0.0.1', 'private or special'],
  ['10.0.0.1:8080', 'private or special'],
  ['169.254.169.254', 'private or special'],
  ['[::1]', 'private or special'],
  ['[fd00::1]:443', 'private or special'],
  ['*.8.8.8.8', 'too wide'],
  ['%00.com', 'is no host name'],
])('refuses %j: %s', (text, why) => expect(hostPattern(text)).toContain(why));

describe('which addresses of the web it allows', () => {
  test.each([
    ['example.com', 'https://example.com/x', true],
    ['example.com', 'http://example.com/', true],
    ['example.com', 'https://EXAMPLE.com./', true],
    ['example.com', 'https://example.com:8443/', false],
    ['example.com', 'http://example.com:443/', false],
    ['example.com', 'https://api.example.com/', false],
    ['example.com', 'https://example.com.evil.net/', false],
    ['example.com', 'https://example.com@evil.net/', false],
    ['example.com:8443', 'https://example.com:8443/', true],
    ['example.com:8443', 'https://example.com/', false],
    ['example.com:443', 'https://example.com/', true],
    ['example.com:443', 'http://example.com/', false],
    ['*.example.com', 'https://a.example.com/', true],
    ['*.example.com', 'https://a.b.example.com/', true],
    ['*.example.com', 'https://example.com/', false],
    ['*.example.com', 'https://.example.com/', false],
    ['*.example.com', 'https://badexample.com/', false],
    ['8.8.8.8', 'https://134744072/', true],
    ['[2606:4700::1111]', 'https://[2606:4700:0::1111]/', true],
  ])('%s %s %s', (text, url, allowed) => expect(allowsUrl(pattern(text), new URL(url))).toBe(allowed));
});

test.each([
  ['example.com', 'example.com', true],
  ['example.com', '*.example.com', false],
  ['*.example.com', 'example.com', false],
  ['*.example.com', 'a.example.com', true],
  ['*.example.com', '*.a.example.com', true],
  ['*.example.com', '*.example.com', true],
  ['*.a.example.com', '*.example.com', false],
  ['*.example.com', 'a.example.com:8443', false],
  ['*.example.com:8443', 'a.example.com:8443', true],
])('%s covers %s: %s', (wide, narrow, expected) => expect(covers(pattern(wide), pattern(narrow))).toBe(expected));
