import { describe, expect, test } from 'vitest';
import { renderRecord, renderTable } from './table.ts';

const AGENTS = [
  { name: 'packer', status: 'idle', version: 12, in_flight: 0, summary: 'packs bins online', config: { a: 1 } },
  { name: 'extract', status: 'stopped', version: null, in_flight: 3, summary: 'reads log lines', config: {} },
];

describe('renderTable', () => {
  test('chosen columns, numbers to the right', () => {
    expect(renderTable(AGENTS, ['name', 'status', 'version', 'in_flight', 'summary'])).toBe(
      [
        'NAME     STATUS   VERSION  IN FLIGHT  SUMMARY',
        'packer   idle          12          0  packs bins online',
        'extract  stopped        -          3  reads log lines',
        '',
      ].join('\n'),
    );
  });

  test('without a choice: everything that fits into a cell', () => {
    expect(renderTable(AGENTS, undefined).split('\n')[0]).toBe('NAME     STATUS   VERSION  IN FLIGHT  SUMMARY');
  });

  test('columns that no row has are left out', () => {
    expect(renderTable([{ name: 'a' }], ['name', 'gone'])).toBe('NAME\na\n');
  });

  test('a narrow terminal cuts the widest column', () => {
    const text = renderTable(AGENTS, ['name', 'status', 'summary'], { width: 30 });
    expect(text).toBe('NAME     STATUS   SUMMARY\npacker   idle     packs bins …\nextract  stopped  reads log l…\n');
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(30);
  });

  test('wide characters stand in line', () => {
    expect(
      renderTable(
        [
          { name: '日本', n: 1 },
          { name: 'ab', n: 22 },
        ],
        undefined,
      ),
    ).toBe('NAME   N\n日本   1\nab    22\n');
  });

  test('values for people', () => {
    const row = {
      at: '2026-11-20T10:00:01.123Z',
      ok: true,
      score: 3.98406374501,
      tags: ['a', 'b'],
      evil: 'x\u001b[31m\ny',
      none: '',
      sha256: 'ab'.repeat(32),
    };
    expect(renderTable([row], undefined)).toBe(
      'AT                    OK     SCORE  TAGS  EVIL          NONE  SHA256\n2026-11-20 10:00:01Z  yes  3.98406  a, b  x\\x1b[31m\\ny  -     abababababab\n',
    );
  });
});

describe('renderRecord', () => {
  test('one line for each scalar, nested ones by their path, tables for lists of things', () => {
    const record = {
      name: 'packer',
      memory: { rss_bytes: 10, heap: { used: 3 } },
      empty: {},
      checks: [{ id: 'db', ok: true }],
      list: [],
      tags: ['x'],
    };
    expect(renderRecord(record)).toBe(
      [
        'name              packer',
        'memory.rss_bytes  10',
        'memory.heap.used  3',
        'empty             -',
        'list              -',
        'tags              x',
        '',
        'checks',
        '  ID  OK',
        '  db  yes',
        '',
      ].join('\n'),
    );
  });

  test('text of several lines stays text', () => {
    expect(renderRecord({ version: 1, source: 'a\nb\n' })).toBe('version  1\n\nsource\n  a\n  b\n');
  });

  test('long values are wrapped under themselves', () => {
    expect(renderRecord({ name: 'one two three four five six' }, { width: 26 })).toBe('name  one two three four\n      five six\n');
  });

  test.each([
    [null, ''],
    ['text', 'text\n'],
    [5, '5\n'],
    [['a', 'b'], 'a\nb\n'],
    [[], ''],
    [[{ a: 1 }], 'A\n1\n'],
  ])('%j', (value, expected) => {
    expect(renderRecord(value)).toBe(expected);
  });
});
