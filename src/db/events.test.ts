import { describe, expect, test } from 'vitest';
import { type RecordedEvent, upcasters } from './events.ts';

const event = (type: string, typeVersion: number, data: unknown): RecordedEvent => ({
  type,
  typeVersion,
  data,
  position: 7,
  stream: 's',
  version: 3,
  at: new Date(0),
  meta: { actor: { kind: 'user', id: 'ada' } },
});

const registry = upcasters([
  { type: 'renamed', from: 2, upcast: (data) => ({ ...(data as object), by: 'nobody' }) },
  { type: 'renamed', from: 1, upcast: (data, { stream }) => ({ name: data, stream }) },
]);

describe('upcasters', () => {
  test('lead an event through every step to the newest shape', () => {
    expect(registry.upcast(event('renamed', 1, 'Ada'))).toMatchObject({
      typeVersion: 3,
      version: 3,
      data: { name: 'Ada', stream: 's', by: 'nobody' },
    });
    expect(registry.upcast(event('renamed', 2, { name: 'Ada' }))).toMatchObject({ typeVersion: 3, data: { name: 'Ada', by: 'nobody' } });
    expect(registry.newest('renamed')).toBe(3);
  });

  test('leave alone what is new, or not theirs', () => {
    const newest = event('renamed', 3, { name: 'Ada' });
    const other = event('other', 4, 1);
    expect(registry.upcast(newest)).toBe(newest);
    expect(registry.upcast(other)).toBe(other);
    expect(registry.newest('other')).toBe(1);
  });

  test('refuse an event that a newer program wrote', () => {
    expect(() => registry.upcast(event('renamed', 4, {}))).toThrow(expect.objectContaining({ code: 'invalid_state' }));
  });

  test.each([
    ['missing', [{ type: 'a', from: 2, upcast: String }]],
    [
      'given twice',
      [
        { type: 'a', from: 1, upcast: String },
        { type: 'a', from: 1, upcast: String },
      ],
    ],
  ])('refuse a step that is %s', (_, steps) => {
    expect(() => upcasters(steps)).toThrow(/the upcasters of a/);
  });
});
