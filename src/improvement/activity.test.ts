import { expect, test } from 'vitest';
import { Activity } from './activity.ts';

function activity() {
  const lines: string[] = [];
  const clock = { nowMs: 0 };
  const it = new Activity({
    monotonicMs: () => clock.nowMs,
    append: ({ kind, text }) => Promise.resolve(void lines.push(`${kind} ${text}`)),
  });
  return { it, lines, clock };
}

test('a text that streams is one line until something else happens, or half a second has gone by', async () => {
  const { it, lines, clock } = activity();
  for (const text of ['I ', 'look ', 'first.']) await it.take({ kind: 'text', text });
  await it.take({ kind: 'tool', text: 'Read agent.ts' });
  await it.take({ kind: 'text', text: 'Then ' });
  clock.nowMs = 500;
  await it.take({ kind: 'text', text: 'I write.' });
  await it.take({ kind: 'text', text: ' ' });
  await it.flush();
  expect(lines).toEqual(['text I look first.', 'tool Read agent.ts', 'text Then I write.']);
});

test('lines have an end, and there is an end to lines', async () => {
  const { it, lines } = activity();
  await it.take({ kind: 'text', text: 'x'.repeat(5_000) });
  for (let line = 0; line < 1_000; line += 1) await it.take({ kind: 'file', text: 'agent.ts' });
  expect(lines[0]).toHaveLength('text '.length + 2_000);
  expect(lines).toHaveLength(400);
});
