import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { logLine, progressView } from './live.ts';
import type { Sink } from './sink.ts';
import { textWidth } from './text-width.ts';

function sinkOf(stream?: PassThrough & { isTTY: boolean; columns: number }): Sink & { text: string } {
  return {
    text: '',
    stream,
    async write(text) {
      this.text += text;
    },
    commit: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
}

async function show(items: readonly unknown[], columns?: number): Promise<string> {
  const sink = sinkOf(columns === undefined ? undefined : Object.assign(new PassThrough(), { isTTY: true, columns }));
  const view = progressView(sink);
  for (const item of items) await view.show(item);
  await view.end();
  return sink.text;
}

describe('progressView', () => {
  const items = [
    { message: 'generation 1', progress: 0.5 },
    { message: 'generation 1', progress: 0.6 },
    { message: 'done', progress: 1 },
    { message: 'live', summary: { version: 2, swap_ms: 8.5 } },
  ];

  test('in a pipe: a line for each message, then the summary', async () => {
    expect(await show(items)).toBe('generation 1\ndone\nlive\n\nversion  2\nswap_ms  8.5\n');
  });

  test('in a terminal: one line that moves, without escape sequences, then the summary', async () => {
    const text = await show(items, 60);
    expect(text).not.toContain('\u001b');
    const frames = text.split('\r').map((frame) => frame.trimEnd());
    expect(frames[1]).toBe('██████████░░░░░░░░░░  50 %  generation 1');
    expect(frames[3]).toBe('████████████████████ 100 %  done');
    expect(text).toMatch(/\r +\rlive\n\nversion {2}2\nswap_ms {2}8.5\n$/);
  });

  test('no frame is wider than the terminal, and each covers the one before', async () => {
    const progress = 0;
    const text = await show(
      [
        { message: 'x'.repeat(200), progress },
        { message: '日本語'.repeat(20), progress },
        { message: 'y', progress },
      ],
      40,
    );
    const frames = text.split('\r').slice(1);
    expect(frames.map((frame) => textWidth(frame.replace('\n', '')))).toEqual([39, 39, 39]);
    expect(frames[2]?.trimEnd()).toBe('░░░░░░░░░░░░░░░░░░░░   0 %  y');
  });

  test('messages without a progress stay above the line that moves', async () => {
    const text = await show([{ message: 'a', progress: 0.5 }, { message: 'compiled' }, { message: 'b', progress: 0.6 }], 60);
    expect(text.split('\n').map((line) => line.split('\r').at(-1)?.trimEnd())).toEqual(['compiled', '████████████░░░░░░░░  60 %  b', '']);
  });

  test('items without a message change nothing but the progress', async () => {
    expect(await show([{ message: 'a' }, { progress: 0.1 }, 5, null])).toBe('a\n');
  });
});

describe('logLine', () => {
  test.each([
    [
      { at: '2026-11-20T10:00:01.000Z', level: 'warn', message: 'slow', fields: { ms: 12.5, key: 'a b' } },
      '2026-11-20 10:00:01Z  warn   slow  ms=12.5  key=a b',
    ],
    [{ sequence: 3, type: 'scored', message: 'v2 scored', data: { long: 1 } }, 'v2 scored  type=scored'],
    [{ seq: 1, height_cm: 12, gone: null }, 'seq=1  height_cm=12'],
    [{ message: 'evil\u001b[2J\nforged line' }, 'evil\\x1b[2J\\nforged line'],
    ['just text', 'just text'],
  ])('%j', (item, expected) => {
    expect(logLine(item)).toBe(expected);
  });
});
