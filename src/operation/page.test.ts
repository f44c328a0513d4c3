import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SeedError } from '#lib/error.ts';
import type { ListBinding, PageInput } from './operation.ts';
import { page, pageQuery, paginate } from './page.ts';

const binding: ListBinding = {
  fields: { name: 'string', sizeBytes: 'number', madeAt: 'time', isOpen: 'boolean' },
  search: ['name'],
  defaultSort: 'name',
};
const rows = [
  { name: 'box', sizeBytes: 10, madeAt: '2026-01-01T00:00:00Z', isOpen: true },
  { name: 'Bag', sizeBytes: 9, madeAt: '2026-02-01T00:00:00Z', isOpen: false },
  { name: 'crate', sizeBytes: 100, madeAt: new Date('2026-03-01T00:00:00Z'), isOpen: false },
  { name: 'jar', sizeBytes: null, madeAt: Date.parse('2026-04-01T00:00:00Z'), isOpen: true },
];
const ask = (over: Partial<PageInput>): PageInput => ({ page: 1, limit: 20, filter: [], ...over });
const names = (over: Partial<PageInput>): string[] => paginate(rows, ask(over), binding).items.map(({ name }) => name);

describe('filters', () => {
  test.each<[string, string[]]>([
    ['name=box', ['box']],
    ['name = box', ['box']],
    ['name!=box', ['Bag', 'crate', 'jar']],
    ['name~A', ['Bag', 'crate', 'jar']],
    ['name~', ['Bag', 'box', 'crate', 'jar']],
    ['size_bytes>9', ['box', 'crate']],
    ['sizeBytes<100', ['Bag', 'box']],
    ['size_bytes=9', ['Bag']],
    ['size_bytes!=9', ['box', 'crate', 'jar']],
    ['size_bytes~0', ['box', 'crate']],
    ['made_at>2026-01-15', ['Bag', 'crate', 'jar']],
    ['made_at<2026-02-15T12:00:00Z', ['Bag', 'box']],
    ['made_at=2026-03-01', ['crate']],
    [`made_at>${Date.parse('2026-03-02T00:00:00Z')}`, ['jar']],
    ['is_open=true', ['box', 'jar']],
    ['is_open!=true', ['Bag', 'crate']],
  ])('%s', (filter, expected) => {
    expect(names({ filter: [filter] })).toEqual(expected);
  });

  test('all of them hold', () => {
    expect(names({ filter: ['size_bytes>9', 'is_open=false'] })).toEqual(['crate']);
  });

  test.each([
    ['box', /is not a filter/],
    ['=box', /is not a filter/],
    ['nam=box', /no field "nam"/],
    ['size_bytes>big', /is a number/],
    ['size_bytes>=9', /is a number/],
    ['size_bytes=', /is a number/],
    ['made_at>yesterday', /is a time/],
    ['is_open=yes', /is true or false/],
    ['is_open>false', /has no order/],
  ])('%s is refused with its path', (filter, message) => {
    try {
      names({ filter: ['name=box', filter] });
    } catch (error) {
      expect(error).toBeInstanceOf(SeedError);
      expect((error as SeedError).message).toMatch(message);
      expect((error as SeedError).details).toMatchObject([{ path: 'filter.1' }]);
      return;
    }
    throw new Error('it was accepted');
  });

  test('parsed, for a store: fields in code names, values typed', () => {
    expect(pageQuery(ask({ filter: ['size_bytes>9', 'made_at<2026-01-01'], sort: 'made_at', page: 3, limit: 7 }), binding)).toMatchObject({
      offset: 14,
      filters: [
        { field: 'sizeBytes', operator: '>', type: 'number', value: 9 },
        { field: 'madeAt', operator: '<', type: 'time', value: new Date('2026-01-01') },
      ],
      sort: 'madeAt',
      order: 'asc',
    });
  });
});

describe('order, search and pages', () => {
  test('a field of texts that holds other values too, each as its text', () => {
    const settings: ListBinding = { fields: { value: 'string' }, search: [], defaultSort: 'value' };
    const rows = [{ value: '/tmp' }, { value: 4000 }, { value: null }, { value: false }, { value: 'abc' }, { value: 8 }];
    const sorted = (order: 'asc' | 'desc') => paginate(rows, ask({ order }), settings).items.map(({ value }) => value);
    expect(sorted('asc')).toEqual(['/tmp', 4000, 8, 'abc', false, null]);
    expect(sorted('desc')).toEqual([false, 'abc', 8, 4000, '/tmp', null]);
  });

  test('numbers by value, missing ones last in both directions', () => {
    expect(names({ sort: 'size_bytes' })).toEqual(['Bag', 'box', 'crate', 'jar']);
    expect(names({ sort: 'size_bytes', order: 'desc' })).toEqual(['crate', 'box', 'Bag', 'jar']);
  });

  test('search looks into its fields, whatever the case', () => {
    expect(names({ search: 'BA' })).toEqual(['Bag']);
    expect(names({ search: 'true' })).toEqual([]);
  });

  test('search where nothing can be searched is refused', () => {
    expect(() => pageQuery(ask({ search: 'x' }), { ...binding, search: [] })).toThrow(/can not be searched/);
  });

  test('a page beyond the last is empty and says how many there are', () => {
    expect(paginate(rows, ask({ page: 9 }), binding)).toEqual({
      items: [],
      pageInfo: { page: 9, limit: 20, total: 4, pages: 1, hasNext: false, hasPrevious: true },
    });
  });

  test('rows that a store has chosen already, with the number of all of them', () => {
    expect(page(['c', 'd'], 5, { page: 2, limit: 2 })).toEqual({
      items: ['c', 'd'],
      pageInfo: { page: 2, limit: 2, total: 5, pages: 3, hasNext: true, hasPrevious: true },
    });
    expect(page([], 0, { page: 1, limit: 2 }).pageInfo).toMatchObject({ total: 0, pages: 1, hasNext: false });
  });

  test('pages together are the whole list, each item once', () => {
    const item = fc.record({ name: fc.string({ maxLength: 3 }), sizeBytes: fc.integer(), madeAt: fc.constant(0), isOpen: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(item, { maxLength: 40 }),
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom('name', 'size_bytes', 'is_open'),
        (many, limit, sort) => {
          const seen = new Set<object>();
          for (let number = 1; ; number += 1) {
            const { items, pageInfo } = paginate(many, ask({ page: number, limit, sort }), binding);
            items.forEach((one) => seen.add(one));
            if (!pageInfo.hasNext) break;
          }
          expect(seen.size).toBe(many.length);
        },
      ),
    );
  });
});
