import { afterEach, expect, test } from 'vitest';
import { isSeedError } from './error.ts';
import type { methods } from './thread.fixture.ts';
import { Thread } from './thread.ts';

let thread: Thread<typeof methods>;
const start = (heapMb = 64): Thread<typeof methods> =>
  (thread = new Thread<typeof methods>({ url: new URL('./thread.fixture.ts', import.meta.url), name: 'test', heapMb }));
afterEach(() => thread.close());

test('answers side by side, each request with its own answer', async () => {
  start();
  expect(thread.isRunning).toBe(false);
  expect(await Promise.all([thread.call('later', 'slow', 30), thread.call('later', 'quick', 0)])).toEqual(['slow', 'quick']);
});

test('an error of ours crosses as it is, any other with its message and stack', async () => {
  start();
  const refused = await thread.call('refuse', 'not like this').catch((error: unknown) => error);
  expect(isSeedError(refused)).toBe(true);
  expect(refused).toMatchObject({ code: 'compile_failed', message: 'not like this', details: [{ line: 3 }], hint: 'write it again' });
  const broken = await thread.call('break').catch((error: unknown) => error);
  expect(broken).toMatchObject({ message: expect.stringMatching(/undefined/), stack: expect.stringContaining('thread.fixture.ts') });
});

test('one that dies tells who waits, and starts again for the next', async () => {
  start(16);
  const waiting = thread.call('later', 'lost', 60_000);
  const dying = thread.call('eat');
  await expect(dying).rejects.toMatchObject({ code: 'unavailable', message: expect.stringMatching(/the test thread has ended.*memory/) });
  await expect(waiting).rejects.toMatchObject({ code: 'unavailable' });
  expect(await thread.call('later', 'again', 0)).toBe('again');
});

test('a closed one refuses', async () => {
  start();
  await thread.call('later', 'x', 0);
  await thread.close();
  await expect(thread.call('later', 'y', 0)).rejects.toMatchObject({ code: 'unavailable' });
});
