import { describe, expect, test } from 'vitest';
import { LogRecords, SEQUENCE, type LogRecord, type LogRecordsOptions } from './log-records.ts';

function add(records: LogRecords, record: Partial<LogRecord> & { at?: number }): void {
  const { at = 0, ...rest } = record;
  const whole = { time: new Date(at).toISOString(), level: 'info', event: 'a.b.c', message: '', ...rest } as LogRecord;
  records.add(whole.level, at, JSON.stringify(whole));
}

function filled(options?: LogRecordsOptions): LogRecords {
  const records = new LogRecords(options);
  add(records, { at: 1, level: 'debug', module: 'kernel', message: 'one' });
  add(records, { at: 2, level: 'info', module: 'kernel.sandbox', message: 'two', agent: 'packer' });
  add(records, { at: 3, level: 'warn', module: 'kernels', message: 'three', agent: 'extract' });
  add(records, { at: 4, level: 'error', module: 'http', message: 'four', agent: 'packer' });
  return records;
}

describe('query', () => {
  test.each([
    [{}, ['one', 'two', 'three', 'four']],
    [{ level: 'warn' as const }, ['three', 'four']],
    [{ module: 'kernel' }, ['one', 'two']],
    [{ module: 'kernel.sandbox' }, ['two']],
    [{ agent: 'packer' }, ['two', 'four']],
    [{ sinceMs: 3 }, ['three', 'four']],
    [{ limit: 2 }, ['three', 'four']],
    [{ limit: 0 }, []],
    [{ agent: 'packer', limit: 1 }, ['four']],
    [{ agent: 'nobody' }, []],
  ])('%o', (filter, messages) => {
    expect(
      filled()
        .query(filter)
        .map(({ message }) => message),
    ).toEqual(messages);
  });

  test('goes on after a record that was seen, in a later life of the node too', () => {
    const sequenceOf = (record: LogRecord | undefined) => record?.[SEQUENCE] ?? Number.NaN;
    const records = filled();
    add(records, { at: 4, message: 'five' });
    const all = records.query();
    const places = all.map(sequenceOf);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(new Set(places).size).toBe(5);
    expect(records.query({ after: sequenceOf(all[3]) }).map(({ message }) => message)).toEqual(['five']);
    expect(records.query({ after: sequenceOf(all[4]) })).toEqual([]);
    const later = new LogRecords();
    add(later, { at: 5, message: 'six' });
    expect(later.query({ after: sequenceOf(all[4]) }).map(({ message }) => message)).toEqual(['six']);
  });

  test('keeps the newest records', () => {
    const records = new LogRecords({ maxRecords: 10 });
    for (let n = 0; n < 1_000; n += 1) add(records, { message: String(n) });
    expect(records.query().map(({ message }) => message)).toEqual(Array.from({ length: 10 }, (_, n) => String(990 + n)));
  });

  test('keeps no more than so many bytes', () => {
    const records = new LogRecords({ maxBytes: 10_000 });
    for (let n = 0; n < 100; n += 1) add(records, { message: `${n} ${'x'.repeat(900)}` });
    const kept = records.query();
    expect(JSON.stringify(kept).length).toBeLessThan(11_000);
    expect(kept.at(-1)?.message).toMatch(/^99 /);
    add(records, { message: 'x'.repeat(20_000) });
    expect(records.query()).toEqual([]);
  });
});

describe('follow', () => {
  test('gives what comes from now on and matches', async () => {
    const records = filled();
    const follower = records.follow({ agent: 'packer' });
    const first = follower.next();
    add(records, { message: 'other', agent: 'extract' });
    add(records, { message: 'new', agent: 'packer' });
    add(records, { message: 'newer', agent: 'packer' });
    expect((await first).value).toMatchObject({ message: 'new' });
    expect((await follower.next()).value).toMatchObject({ message: 'newer' });
  });

  test('ends with its signal, with the log, and when it is left', async () => {
    const records = filled();
    const controller = new AbortController();
    const aborted = records.follow({}, controller.signal);
    const waiting = aborted.next();
    controller.abort();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(await records.follow({}, controller.signal).next()).toMatchObject({ done: true });

    const left = records.follow();
    add(records, { message: 'a' });
    add(records, { message: 'b' });
    for await (const { message } of left) {
      expect(message).toBe('a');
      break;
    }
    expect(await left.next()).toMatchObject({ done: true });

    const open = records.follow();
    add(records, { message: 'last' });
    records.close();
    expect((await open.next()).value).toMatchObject({ message: 'last' });
    expect(await open.next()).toMatchObject({ done: true });
  });

  test('a slow reader loses the oldest, and knows how many', async () => {
    const records = new LogRecords({ maxWaiting: 3 });
    const follower = records.follow();
    for (let n = 0; n < 10; n += 1) add(records, { message: String(n) });
    expect((await follower.next()).value).toMatchObject({ message: '7' });
    expect(follower.dropped).toBe(7);
  });
});
