import { describe, expect, test } from 'vitest';
import { catalogueOf } from '#operation/catalogue.ts';
import { gardenOperations } from '#operation/fixture.ts';
import type { CatalogueEntry } from '#operation/catalogue-entry.ts';
import { requestFor, type RequestOptions } from './request.ts';

const ENTRIES = catalogueOf(gardenOperations);

function request(name: string, input: Record<string, unknown>, options?: RequestOptions, change: Partial<CatalogueEntry> = {}) {
  const entry = ENTRIES.find((one) => one.name === name);
  if (entry === undefined) throw new Error(name);
  return requestFor({ ...entry, ...change }, input, options);
}

describe('requestFor', () => {
  test('members of the path stand in the path, the others in the query', () => {
    expect(request('pots:watch', { pot_id: 'p 1/2', until: 3 })).toEqual({
      method: 'GET',
      path: '/api/pots/p%201%2F2/events?until=3',
      headers: { accept: 'text/event-stream' },
    });
  });

  test('lists are repeated in the query', () => {
    expect(request('pots:list', { filter: ['a=b', 'c>1'], page: 2 }).path).toBe('/api/pots?filter=a%3Db&filter=c%3E1&page=2');
  });

  test('what is sent is JSON in the body', () => {
    expect(request('pots:plant', { pot_id: 'p9', tags: ['a'] })).toMatchObject({
      method: 'POST',
      path: '/api/pots',
      body: '{"pot_id":"p9","tags":["a"]}',
      headers: { 'content-type': 'application/json' },
    });
    expect(request('pots:echo', { pot_id: 'p1', input: null })).toMatchObject({ path: '/api/pots/p1/echo', body: '{"input":null}' });
  });

  test('a member of the path that is not given has its default', () => {
    const flags = [{ name: 'pot-id', member: 'pot_id', type: 'string' as const, default: 'first' }];
    expect(request('pots:get', {}, {}, { flags }).path).toBe('/api/pots/first');
    expect(() => request('pots:get', {})).toThrow('pots:get needs --pot-id');
  });

  test('the confirmation goes with what is dangerous, and only there', () => {
    expect(request('pots:smash', { pot_id: 'p1' }, { confirmed: true }).headers).toMatchObject({ 'x-confirm': 'pots:smash' });
    expect(request('pots:smash', { pot_id: 'p1' }, { confirmed: false }).headers).not.toHaveProperty('x-confirm');
    expect(request('pots:get', { pot_id: 'p1' }, { confirmed: true }).headers).not.toHaveProperty('x-confirm');
  });

  test('other headers', () => {
    const options = { dryRun: true, idempotencyKey: 'k', lastEventId: '7' };
    expect(request('pots:plant', { pot_id: 'p1' }, options).headers).toMatchObject({
      'x-dry-run': 'true',
      'idempotency-key': 'k',
      'last-event-id': '7',
    });
  });

  test('what has no route can not be asked', () => {
    expect(() => request('pots:paint', { colour: 'red' })).toThrow(expect.objectContaining({ code: 'unavailable' }));
  });
});
