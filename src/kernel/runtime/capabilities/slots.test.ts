import { expect, test, vi } from 'vitest';
import { Slots } from './slots.ts';

test('no agent has more than its share, nobody more than all, and who waits goes on when there is room', async () => {
  const slots = new Slots({ perAgent: 2, inAll: 3 });
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const never = new AbortController().signal;
  const run = (agent: string, name: string): Promise<void> =>
    slots.run(agent, never, () => {
      begun.push(name);
      return new Promise((resolve) => ends.set(name, resolve));
    });
  const all = [run('a', 'a1'), run('a', 'a2'), run('a', 'a3'), run('b', 'b1'), run('b', 'b2')];
  await vi.waitFor(() => expect(begun).toEqual(['a1', 'a2', 'b1']));
  ends.get('b1')?.();
  await vi.waitFor(() => expect(begun).toEqual(['a1', 'a2', 'b1', 'b2']));
  ends.get('a1')?.();
  await vi.waitFor(() => expect(begun).toEqual(['a1', 'a2', 'b1', 'b2', 'a3']));
  for (const end of ends.values()) end();
  await Promise.all(all);
});

test('who gives up waiting leaves no trace, and what fails gives its place back', async () => {
  const slots = new Slots({ perAgent: 1, inAll: 1 });
  const never = new AbortController().signal;
  await expect(slots.run('a', never, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  const first = Promise.withResolvers<string>();
  const running = slots.run('a', never, () => first.promise);
  const impatient = new AbortController();
  const waiting = slots.run('a', impatient.signal, () => Promise.resolve('never'));
  impatient.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  await expect(slots.run('a', impatient.signal, () => Promise.resolve('never'))).rejects.toThrow('enough');
  first.resolve('done');
  expect(await running).toBe('done');
  expect(await slots.run('a', never, () => Promise.resolve('again'))).toBe('again');
});
