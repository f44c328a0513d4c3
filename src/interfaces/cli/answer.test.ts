import { describe, expect, test } from 'vitest';
import type { CatalogueEntry } from '#operation/catalogue-entry.ts';
import { dataOf, remarkOn, renderAnswer, renderItem, renderQuiet } from './answer.ts';

const GET: CatalogueEntry = { name: 'a:get', summary: '', kind: 'read', permission: 'a:b', flags: [], examples: [], input: {} };
const LIST: CatalogueEntry = { ...GET, fields: { name: 'string' }, columns: ['name'] };
const PAGE_INFO = { page: 1, limit: 2, total: 3, pages: 2, has_next: true, has_previous: false };
const PAGE = { items: [{ name: 'x', n: 1 }], page_info: PAGE_INFO };

describe('dataOf', () => {
  test('a thing comes out of its envelope, a list becomes items and page_info', () => {
    expect(dataOf(GET, { data: { a: 1 } })).toEqual({ a: 1 });
    expect(dataOf(LIST, { data: PAGE.items, page_info: PAGE_INFO })).toEqual(PAGE);
  });

  test('what has no envelope is all data', () => {
    const invoked = { data: 5, call_id: 'c', version: 3 };
    expect(dataOf({ ...GET, raw: true }, invoked)).toEqual(invoked);
    expect(dataOf(GET, invoked)).toEqual(invoked);
    expect(dataOf({ ...GET, raw: true }, 'text')).toBe('text');
  });
});

describe('renderAnswer', () => {
  const render = (data: unknown, format: 'json' | 'yaml' | 'table') => renderAnswer(data, { entry: LIST, format, layout: {} });

  test('JSON is the data, and parses back', async () => {
    expect(JSON.parse(await render(PAGE, 'json'))).toEqual(PAGE);
    expect(await render('text\n', 'json')).toBe('"text\\n"\n');
  });

  test('YAML', async () => {
    expect(await render({ a: { b: [1, 'x'] } }, 'yaml')).toBe('a:\n  b:\n    - 1\n    - x\n');
    expect(await renderItem({ a: 1 }, 'yaml')).toBe('---\na: 1\n');
  });

  test('a table, a text, nothing', async () => {
    expect(await render(PAGE, 'table')).toBe('NAME\nx\n');
    expect(await render({ ...PAGE, items: [] }, 'table')).toBe('');
    expect(await render('metric 1', 'table')).toBe('metric 1\n');
    expect(await render(undefined, 'table')).toBe('');
  });
});

test.each([
  [PAGE, 'x\n'],
  [{ id: 'i', name: 'n' }, 'i\n'],
  [{ agent: 'packer', version: 3 }, '3\n'],
  [{ data: 5, call_id: 'c', version: 3 }, 'c\n'],
  [{ restarting: true }, ''],
  ['text', ''],
])('quiet %j', (data, expected) => {
  expect(renderQuiet(data)).toBe(expected);
});

test.each([
  [PAGE, 'page 1 of 2, 3 in all; --page and --limit show others'],
  [{ items: [], page_info: { ...PAGE_INFO, total: 0 } }, 'none'],
  [{ items: [], page_info: { ...PAGE_INFO, page: 9 } }, 'nothing on page 9; the last one is 2'],
  [{ items: [{}], page_info: { ...PAGE_INFO, pages: 1 } }, undefined],
  [{ a: 1 }, undefined],
])('remark on %j', (data, expected) => {
  expect(remarkOn(data)).toBe(expected);
});
