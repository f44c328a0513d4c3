// One filter of a list, `field=value`: parsed once, then matched in memory or turned into SQL.
import { SeedError } from '#lib/error.ts';
import { nearest } from '#lib/nearest.ts';
import type { ListBinding } from './operation.ts';
import { snakeCase } from './wire.ts';

/** `~`: contains, whatever the case. */
export type FilterOperator = '=' | '!=' | '~' | '<' | '>';

/** In code names. A time is a Date; `~` always has the text. */
export interface ParsedFilter {
  field: string;
  operator: FilterOperator;
  type: 'string' | 'number' | 'time' | 'boolean';
  value: string | number | boolean | Date;
}

const FILTER = /^\s*([A-Za-z_][A-Za-z0-9_]*)\s*(!=|=|~|<|>)(.*)$/s;

/** @throws SeedError `invalid_input` naming `path`, with the nearest field or the form that its value should have. */
export function parseFilter(text: string, fields: ListBinding['fields'], path: string): ParsedFilter {
  const match = FILTER.exec(text);
  if (match === null) throw refusal(path, `${JSON.stringify(text)} is not a filter`, 'field=value, also != ~ < >');
  const [, name = '', operator, value = ''] = match;
  const field = Object.keys(fields).find((known) => known === name || snakeCase(known) === name);
  if (field === undefined) {
    const known = Object.keys(fields).map(snakeCase);
    const close = nearest(name, known);
    throw refusal(
      path,
      `there is no field ${JSON.stringify(name)}`,
      close === undefined ? `fields: ${known.join(', ')}` : `did you mean ${close}?`,
    );
  }
  const type = fields[field] ?? 'string';
  return {
    field,
    operator: operator as FilterOperator,
    type,
    value: typed(value.trim(), { type, operator: operator as FilterOperator, path, name }),
  };
}

/** Whether a row's value passes. A missing value passes `!=` only. */
export function matches(filter: ParsedFilter, value: unknown): boolean {
  if (value === null || value === undefined) return filter.operator === '!=';
  if (filter.operator === '~') return textOf(value).toLowerCase().includes(textOf(filter.value).toLowerCase());
  const [actual, wanted] = [comparable(filter, value), comparable(filter, filter.value)];
  switch (filter.operator) {
    case '=':
      return actual === wanted;
    case '!=':
      return actual !== wanted;
    case '<':
      return actual < wanted;
    case '>':
      return actual > wanted;
  }
}

function comparable(filter: ParsedFilter, value: unknown): string | number {
  switch (filter.type) {
    case 'number':
      return Number(value);
    case 'time':
      return value instanceof Date ? value.getTime() : new Date(value as string | number).getTime();
    default:
      return textOf(value);
  }
}

/** A value as people would look for it; nothing for what is missing. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Date) return value.toISOString();
  return value === null || value === undefined ? '' : JSON.stringify(value);
}

function typed(
  value: string,
  { type, operator, path, name }: { type: ParsedFilter['type']; operator: FilterOperator; path: string; name: string },
): ParsedFilter['value'] {
  if (operator === '~') return value;
  switch (type) {
    case 'number':
      if (value !== '' && Number.isFinite(Number(value))) return Number(value);
      throw refusal(path, `${name} is a number, ${JSON.stringify(value)} is not`, 'for example 10 or 0.5');
    case 'time': {
      const time = new Date(/^\d{11,}$/.test(value) ? Number(value) : value);
      if (value !== '' && !Number.isNaN(time.getTime())) return time;
      throw refusal(path, `${name} is a time, ${JSON.stringify(value)} is not`, 'for example 2026-11-20 or 2026-11-20T12:00:00Z');
    }
    case 'boolean':
      if (operator === '<' || operator === '>') throw refusal(path, `${name} is true or false and has no order`, 'use = or !=');
      if (value === 'true' || value === 'false') return value === 'true';
      throw refusal(path, `${name} is true or false, ${JSON.stringify(value)} is neither`, `${name}=true`);
    case 'string':
      return value;
  }
}

function refusal(path: string, message: string, hint: string): SeedError {
  return new SeedError('invalid_input', `${path}: ${message}`, { details: [{ path, message }], hint });
}
