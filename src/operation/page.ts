// Lists: one shape of the question and of the answer, for rows in memory and for SQL alike.
import { z } from 'zod';
import { SeedError } from '#lib/error.ts';
import { matches, parseFilter, textOf, type ParsedFilter } from './filter.ts';
import type { ListBinding, PageInput } from './operation.ts';
import { snakeCase } from './wire.ts';

const MAX_LIMIT = 100;

export const pageInfoSchema = z.object({
  page: z.int(),
  limit: z.int(),
  /** Items on all pages. */
  total: z.int(),
  pages: z.int(),
  hasNext: z.boolean(),
  hasPrevious: z.boolean(),
});
export type PageInfo = z.output<typeof pageInfoSchema>;

/** What the handler of an operation with a list binding answers. */
export interface Page<Item> {
  items: readonly Item[];
  pageInfo: PageInfo;
}

/** A parsed question, in code names: what a store needs for WHERE, ORDER BY, LIMIT and OFFSET. */
export interface PageQuery {
  page: number;
  limit: number;
  /** Rows to skip. */
  offset: number;
  filters: readonly ParsedFilter[];
  /** To be found, whatever the case, in at least one of `searchFields`. */
  search: string | undefined;
  searchFields: readonly string[];
  sort: string;
  order: 'asc' | 'desc';
}

/** The members that a list binding adds to the input of its operation. */
export function pageShape(binding: ListBinding): z.ZodRawShape {
  const fields = Object.keys(binding.fields);
  const names = fields.map(snakeCase) as [string, ...string[]];
  return {
    page: z.int().min(1).max(1_000_000).default(1).describe('which page, from 1'),
    limit: z
      .int()
      .min(1)
      .max(MAX_LIMIT)
      .default(binding.defaultLimit ?? 20)
      .describe(`items on a page, at most ${MAX_LIMIT}`),
    filter: z
      .array(z.string().max(500))
      .max(20)
      .default([])
      .describe(`field=value, also != ~ < >; repeatable; fields: ${fields.map(snakeCase).join(', ')}`),
    search: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe(`text to look for in ${binding.search.map(snakeCase).join(', ') || 'nothing'}`),
    sort: z
      .enum(names)
      .optional()
      .describe(`field to order by, default ${snakeCase(binding.defaultSort)}`),
    order: z
      .enum(['asc', 'desc'])
      .optional()
      .describe(`default ${binding.defaultOrder ?? 'asc'}`),
  };
}

/** @throws SeedError `invalid_input` for a filter that can not be read, with its path. */
export function pageQuery(input: PageInput, binding: ListBinding): PageQuery {
  const filters = input.filter.map((text, index) => parseFilter(text, binding.fields, `filter.${index}`));
  if (input.search !== undefined && binding.search.length === 0) {
    throw new SeedError('invalid_input', 'search: this list can not be searched', {
      details: [{ path: 'search', message: 'no field of this list can be searched' }],
      hint: 'narrow it with a filter',
    });
  }
  return {
    page: input.page,
    limit: input.limit,
    offset: (input.page - 1) * input.limit,
    filters,
    search: input.search,
    searchFields: binding.search,
    sort: Object.keys(binding.fields).find((field) => snakeCase(field) === input.sort) ?? binding.defaultSort,
    order: input.order ?? binding.defaultOrder ?? 'asc',
  };
}

/** A page whose rows were already chosen (by SQL), with the number of all of them. */
export function page<Item>(items: readonly Item[], total: number, query: { page: number; limit: number }): Page<Item> {
  const pages = Math.max(1, Math.ceil(total / query.limit));
  return {
    items,
    pageInfo: { page: query.page, limit: query.limit, total, pages, hasNext: query.page < pages, hasPrevious: query.page > 1 },
  };
}

/** Filter, search, order and cut rows that are in memory. Rows that compare equal keep their order. */
export function paginate<Item extends object>(rows: readonly Item[], input: PageInput, binding: ListBinding): Page<Item> {
  const query = pageQuery(input, binding);
  const needle = query.search?.toLowerCase();
  const value = (row: Item, field: string): unknown => (row as Readonly<Record<string, unknown>>)[field];
  const found = rows.filter(
    (row) =>
      query.filters.every((filter) => matches(filter, value(row, filter.field))) &&
      (needle === undefined || query.searchFields.some((field) => textOf(value(row, field)).toLowerCase().includes(needle))),
  );
  const direction = query.order === 'asc' ? 1 : -1;
  const isText = binding.fields[query.sort] === 'string';
  const sorted = found.toSorted((a, b) => compare(value(a, query.sort), value(b, query.sort), { direction, isText }));
  return page(sorted.slice(query.offset, query.offset + query.limit), found.length, query);
}

/** Missing values come last in either direction. A field of texts may hold numbers too (settings): each as its text, or the order would have rings. */
function compare(a: unknown, b: unknown, { direction, isText }: { direction: 1 | -1; isText: boolean }): number {
  const [missingA, missingB] = [a === null || a === undefined, b === null || b === undefined];
  if (missingA || missingB) return Number(missingA) - Number(missingB);
  const [first, second] = isText || typeof a === 'string' || typeof b === 'string' ? [textOf(a), textOf(b)] : [Number(a), Number(b)];
  return first === second ? 0 : (first < second ? -1 : 1) * direction;
}
