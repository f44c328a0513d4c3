import fc from 'fast-check';
import { expect, test } from 'vitest';
import { serverEvents, type ServerEvent } from './event-stream.ts';

async function read(...chunks: readonly string[]): Promise<ServerEvent[]> {
  async function* body(): AsyncGenerator<string> {
    yield* chunks;
  }
  const events: ServerEvent[] = [];
  for await (const event of serverEvents(body())) events.push(event);
  return events;
}

test('events with ids, comments, several lines of data', async () => {
  const text = ': hello\n\nid: 1\ndata: {"a":1}\n\nevent: end\ndata:x\ndata: y\n\nid: 2\n\ndata: z\n\n';
  expect(await read(text)).toEqual([
    { event: 'message', data: '{"a":1}', id: '1' },
    { event: 'end', data: 'x\ny', id: '1' },
    { event: 'message', data: 'z', id: '2' },
  ]);
});

test('an event that was cut off is not shown', async () => {
  expect(await read('data: a\n\ndata: b\n')).toEqual([{ event: 'message', data: 'a', id: undefined }]);
});

test('wherever the text is cut, and whatever ends its lines, the events are the same', async () => {
  const expected = [
    { event: 'message', data: 'a\nb', id: '7' },
    { event: 'failed', data: '{}', id: '7' },
  ];
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('\n', '\r\n', '\r'), fc.array(fc.nat(50), { maxLength: 6 }), async (end, cuts) => {
      const text = ['id: 7', 'data: a', 'data: b', '', 'event: failed', 'data: {}', '', ': x'].join(end);
      const places = [0, ...cuts.map((cut) => Math.min(cut, text.length)).toSorted((a, b) => a - b), text.length];
      const chunks = places.slice(1).map((place, index) => text.slice(places[index], place));
      expect(await read(...chunks)).toEqual(expected);
    }),
  );
});
