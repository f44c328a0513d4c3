import { expect, test } from 'vitest';
import type { Journal, JournalRequest } from './journal.ts';
import { ReplayScript } from './replay-script.ts';

const get = (seq: number, args: unknown = null): JournalRequest => ({ seq, name: 'get', args });
const got = (seq: number, time: number, value: unknown = seq) => ({ seq, time, value });
const journal = (...entries: Journal['entries'][number][]): Journal => ({ journal: 1, time: 0, seed: 1, entries });

test('results come in the order of the record, not of the requests', () => {
  const script = new ReplayScript(journal(get(1), get(2), got(2, 5), get(3), got(1, 6), got(3, 7)));
  script.saw(get(1), { told: false });
  script.saw(get(2), { told: false });
  expect(script.next()).toEqual({ kind: 'deliver', result: got(2, 5) });
  script.saw(get(3), { told: false });
  expect(script.next()).toEqual({ kind: 'deliver', result: got(1, 6) });
  expect(script.next()).toEqual({ kind: 'deliver', result: got(3, 7) });
  expect(script.next()).toEqual({ kind: 'live', open: [] });
  expect(script.end()).toBeNull();
});

test('the members of arguments may come back in another order', () => {
  const script = new ReplayScript(journal(get(1, { a: 1, b: [2] }), got(1, 1)));
  script.saw(get(1, { b: [2], a: 1 }), { told: false });
  expect(script.next()).toMatchObject({ kind: 'deliver' });
});

test('another request is a divergence with both sides', () => {
  const script = new ReplayScript(journal(get(1), got(1, 1)));
  script.saw(get(1, { other: true }), { told: false });
  expect(script.next()).toEqual({ kind: 'diverged', divergence: { index: 0, recorded: get(1), seen: get(1, { other: true }) } });
});

test('a request too many is a divergence', () => {
  const script = new ReplayScript(journal(get(1), got(1, 1), got(2, 2)));
  script.saw(get(1), { told: false });
  script.saw(get(2), { told: false });
  expect(script.next()).toEqual({ kind: 'diverged', divergence: { index: 1, recorded: null, seen: get(2) } });
});

test('a request too few is a divergence, in the middle and at the end', () => {
  const missing = new ReplayScript(journal(get(1), get(2), got(1, 1)));
  missing.saw(get(1), { told: false });
  expect(missing.next()).toEqual({ kind: 'diverged', divergence: { index: 1, recorded: get(2), seen: null } });
  const early = new ReplayScript(journal(get(1), got(1, 1), get(2)));
  early.saw(get(1), { told: false });
  expect(early.next()).toMatchObject({ kind: 'deliver' });
  expect(early.end()).toEqual({ index: 2, recorded: get(2), seen: null });
});

test('when the record is used up, what still waits is asked for', () => {
  const script = new ReplayScript(journal(get(1), { seq: 2, name: 'state.set', args: 5 }, get(3), got(1, 1)));
  script.saw(get(1), { told: false });
  script.saw({ seq: 2, name: 'state.set', args: 5 }, { told: true });
  script.saw(get(3), { told: false });
  expect(script.next()).toMatchObject({ kind: 'deliver' });
  script.saw(get(4), { told: false });
  expect(script.next()).toEqual({ kind: 'live', open: [get(3), get(4)] });
});

test('room and the going of a reader come where the record has them, and chunks are compared by their place', () => {
  const room = { chunks: 2, chars: 9 };
  const entries = journal({ room }, { chunks: 2 }, get(1), got(1, 1), { chunks: 1 }, { left: true });
  const script = new ReplayScript(entries);
  expect(script.next()).toEqual({ kind: 'room', room });
  script.sawChunk();
  script.sawChunk();
  script.saw(get(1), { told: false });
  expect(script.next()).toEqual({ kind: 'deliver', result: got(1, 1) });
  script.sawChunk();
  expect(script.next()).toEqual({ kind: 'left' });
  expect(script.end()).toBeNull();
  const other = new ReplayScript(entries);
  expect(other.next()).toMatchObject({ kind: 'room' });
  other.sawChunk();
  other.saw(get(1), { told: false });
  expect(other.next()).toEqual({ kind: 'diverged', divergence: { index: 1, recorded: { chunks: 2 }, seen: { chunks: 1 } } });
});

test('a record that broke off among the chunks of one entry goes on alive after it', () => {
  const script = new ReplayScript(journal({ room: { chunks: 8, chars: 8 } }, { chunks: 1 }));
  expect(script.next()).toMatchObject({ kind: 'room' });
  script.sawChunk();
  script.sawChunk();
  expect(script.next()).toEqual({ kind: 'live', open: [] });
});
