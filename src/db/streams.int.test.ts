import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from 'kysely';
import { uuidv7 } from '#lib/id.ts';
import type { Database } from './database.ts';
import { type Event, upcasters } from './events.ts';
import { appendToStream, type AppendOptions, type ExpectedVersion, forkStream, readStream } from './streams.ts';
import { testDatabase } from './testing.ts';

let database: Database;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

const principal = { kind: 'user', id: 'ada', roles: ['admin'] };
const newStream = (): string => `test-${uuidv7()}`;
const numbered = (count: number, from = 1): Event[] =>
  Array.from({ length: count }, (_, index) => ({ type: 'counted', data: from + index }));

function append(stream: string, events: readonly Event[], options: Partial<AppendOptions> = {}) {
  return appendToStream(database, stream, { events, expectedVersion: 'any', principal, ...options });
}

async function datas(stream: string, options = {}): Promise<unknown[]> {
  return (await readStream(database, stream, options)).events.map(({ data }) => data);
}

describe('append and read', () => {
  test('gives back what was written, with who and why', async () => {
    const stream = newStream();
    const events = [
      { type: 'named', data: { name: 'Grüße "\\ 😀', nested: [1, null, { deep: true }] } },
      { type: 'text', data: 'plain' },
      { type: 'nothing', data: null },
    ];
    const appended = await append(stream, events, { expectedVersion: 'no_stream', correlationId: 'request-1', causationId: 'event-0' });
    const read = await readStream(database, stream);
    expect(read).toMatchObject({ exists: true, version: 3 });
    expect(read.events).toEqual(appended.events);
    expect(read.events.map(({ type, data }) => ({ type, data }))).toEqual(events);
    expect(read.events[0]?.meta).toEqual({ actor: { kind: 'user', id: 'ada' }, correlationId: 'request-1', causationId: 'event-0' });
    expect(read.events[0]?.at).toBeInstanceOf(Date);
    expect(read.events.map(({ version }) => version)).toEqual([1, 2, 3]);
    const positions = read.events.map(({ position }) => position);
    expect(positions).toEqual(positions.toSorted((a, b) => a - b));
  });

  test('reads a part', async () => {
    const stream = newStream();
    await append(stream, numbered(10));
    expect(await datas(stream, { from: 4, to: 6 })).toEqual([4, 5, 6]);
    expect(await datas(stream, { from: 9 })).toEqual([9, 10]);
    expect(await datas(stream, { max: 2 })).toEqual([1, 2]);
    expect(await readStream(database, stream, { from: 11 })).toEqual({ exists: true, version: 10, events: [] });
  });

  test('finds the events of one stream by the index, however many there are', async () => {
    const [parent, fork] = [newStream(), newStream()];
    await append(newStream(), numbered(5000));
    await append(parent, numbered(20));
    await forkStream(database, fork, { parent, version: 10 });
    await append(fork, numbered(5));
    await database.transaction(async (tx) => {
      expect((await readStream(tx, fork, { max: 12 })).events).toHaveLength(12);
      const { rows } = await sql`SELECT seq_scan, idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'events'`.execute(tx);
      expect(rows).toEqual([{ seq_scan: 0, idx_tup_fetch: expect.any(Number) }]);
      expect((rows[0] as { idx_tup_fetch: number }).idx_tup_fetch).toBeLessThan(40);
    });
  });

  test('a stream that does not exist is empty', async () => {
    expect(await readStream(database, newStream())).toEqual({ exists: false, version: 0, events: [] });
  });

  test('a value that can not be stored is refused, and nothing of its append is there', async () => {
    const stream = newStream();
    await expect(
      append(stream, [
        { type: 'fine', data: 1 },
        { type: 'nul', data: 'a\0b' },
      ]),
    ).rejects.toMatchObject({ code: 'invalid_input' });
    expect(await readStream(database, stream)).toMatchObject({ exists: false });
  });

  test('events can be neither changed nor deleted', async () => {
    await append(newStream(), numbered(1));
    await expect(sql`UPDATE events SET data = '0'`.execute(database.db)).rejects.toThrow(/immutable/);
    await expect(sql`DELETE FROM events`.execute(database.db)).rejects.toThrow(/immutable/);
  });

  test('old events are read in their newest shape, new ones are written in it', async () => {
    const stream = newStream();
    await append(stream, [{ type: 'priced', data: 5 }]);
    const registry = upcasters([{ type: 'priced', from: 1, upcast: (data) => ({ microUsd: Number(data) * 1e6 }) }]);
    await append(stream, [{ type: 'priced', data: { microUsd: 7 } }], { upcasters: registry });
    expect(await datas(stream, { upcasters: registry })).toEqual([{ microUsd: 5_000_000 }, { microUsd: 7 }]);
    const raw = await readStream(database, stream);
    expect(raw.events.map(({ typeVersion }) => typeVersion)).toEqual([1, 2]);
  });
});

describe('expectedVersion', () => {
  const outcomes: [ExpectedVersion, 'missing' | 'at 2', boolean][] = [
    ['any', 'missing', true],
    ['any', 'at 2', true],
    ['no_stream', 'missing', true],
    ['no_stream', 'at 2', false],
    ['stream_exists', 'missing', false],
    ['stream_exists', 'at 2', true],
    [0, 'missing', true],
    [0, 'at 2', false],
    [2, 'missing', false],
    [2, 'at 2', true],
    [1, 'at 2', false],
    [3, 'at 2', false],
  ];
  test.each(outcomes)('%s on a stream that is %s: %s', async (expectedVersion, before, fulfilled) => {
    const stream = newStream();
    if (before === 'at 2') await append(stream, numbered(2));
    const result = append(stream, numbered(1, 9), { expectedVersion });
    const version = before === 'at 2' ? 2 : 0;
    if (fulfilled) {
      await expect(result).resolves.toMatchObject({ version: version + 1 });
    } else {
      const actual = before === 'at 2' ? 2 : 'no_stream';
      await expect(result).rejects.toMatchObject({ code: 'expected_version', details: { stream, expected: expectedVersion, actual } });
      expect(await readStream(database, stream)).toMatchObject({ version });
    }
  });

  test.each(['no_stream', 0, 3] as const)('of many that expect %s at once, one is first', async (expectedVersion) => {
    const stream = newStream();
    if (expectedVersion === 3) await append(stream, numbered(3));
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => append(stream, numbered(1), { expectedVersion })));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('writers that do not look leave no gap and lose nothing', async () => {
    const stream = newStream();
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let turn = 0; turn < 12; turn += 1)
        await append(stream, [
          { type: 'wrote', data: { writer, turn } },
          { type: 'wrote', data: { writer, turn } },
        ]);
    });
    await Promise.all(writers);
    const { events, version } = await readStream<Event<'wrote', { writer: number; turn: number }>>(database, stream);
    expect(version).toBe(192);
    expect(events.map((event) => event.version)).toEqual(Array.from({ length: 192 }, (_, index) => index + 1));
    for (let writer = 0; writer < 8; writer += 1) {
      const turns = events.filter(({ data }) => data.writer === writer).map(({ data }) => data.turn);
      expect(turns).toEqual(Array.from({ length: 24 }, (_, index) => Math.floor(index / 2)));
    }
  });

  test('writers that read before they write take turns', async () => {
    const stream = newStream();
    let conflicts = 0;
    const writers = Array.from({ length: 4 }, async () => {
      for (let done = 0; done < 8;) {
        const { version } = await readStream(database, stream);
        try {
          await append(stream, numbered(1, version + 1), { expectedVersion: version });
          done += 1;
        } catch (error) {
          expect(error).toMatchObject({ code: 'expected_version' });
          conflicts += 1;
        }
      }
    });
    await Promise.all(writers);
    expect(await datas(stream)).toEqual(Array.from({ length: 32 }, (_, index) => index + 1));
    expect(conflicts).toBeGreaterThan(0);
  });
});

describe('inline projections', () => {
  test('are written with the events', async () => {
    const [stream, other] = [newStream(), newStream()];
    await append(stream, numbered(2), {
      inlineProjections: [
        async (tx, events) => {
          await appendToStream(tx, other, {
            events: events.map(({ data }) => ({ type: 'copied', data })),
            expectedVersion: 'no_stream',
            principal,
          });
        },
      ],
    });
    expect(await datas(other)).toEqual([1, 2]);
  });

  test('that fail take the events back', async () => {
    const stream = newStream();
    const broken = new Error('broken projection');
    await expect(append(stream, numbered(2), { inlineProjections: [() => Promise.reject(broken)] })).rejects.toBe(broken);
    expect(await readStream(database, stream)).toMatchObject({ exists: false, version: 0 });
  });
});

describe('a fork', () => {
  test('begins with its parent and goes its own way', async () => {
    const [parent, fork] = [newStream(), newStream()];
    await append(parent, numbered(5));
    await forkStream(database, fork, { parent, version: 3 });
    expect(await readStream(database, fork)).toMatchObject({ exists: true, version: 3 });
    await append(fork, numbered(2, 104), { expectedVersion: 3 });
    await append(parent, numbered(1, 6), { expectedVersion: 5 });
    expect(await datas(fork)).toEqual([1, 2, 3, 104, 105]);
    expect(await datas(parent)).toEqual([1, 2, 3, 4, 5, 6]);
    expect((await readStream(database, fork)).events.map(({ version }) => version)).toEqual([1, 2, 3, 4, 5]);
    expect(await datas(fork, { from: 3, to: 4 })).toEqual([3, 104]);
  });

  test('of a fork, before, at and after the first fork point', async () => {
    const [parent, fork, before, at, after] = [newStream(), newStream(), newStream(), newStream(), newStream()];
    await append(parent, numbered(5));
    await forkStream(database, fork, { parent, version: 4 });
    await append(fork, numbered(3, 105));
    await forkStream(database, before, { parent: fork, version: 2 });
    await forkStream(database, at, { parent: fork, version: 4 });
    await forkStream(database, after, { parent: fork, version: 6 });
    for (const stream of [before, at, after]) await append(stream, [{ type: 'own', data: 'own' }]);
    expect(await datas(before)).toEqual([1, 2, 'own']);
    expect(await datas(at)).toEqual([1, 2, 3, 4, 'own']);
    expect(await datas(after)).toEqual([1, 2, 3, 4, 105, 106, 'own']);
  });

  test.each([
    ['a parent that does not exist', 'nowhere', 1, 'not_found'],
    ['a version before the first', '', 0, 'invalid_input'],
    ['a version the parent does not have', '', 3, 'invalid_input'],
  ])('of %s is refused', async (_, missing, version, code) => {
    const stream = newStream();
    await append(stream, numbered(2));
    await expect(forkStream(database, newStream(), { parent: missing || stream, version })).rejects.toMatchObject({ code });
  });

  test('onto a stream that exists is refused', async () => {
    const [parent, taken] = [newStream(), newStream()];
    await append(parent, numbered(2));
    await append(taken, numbered(1));
    await expect(forkStream(database, taken, { parent, version: 1 })).rejects.toMatchObject({ code: 'conflict' });
    expect(await datas(taken)).toEqual([1]);
  });
});
