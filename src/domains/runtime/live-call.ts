// A call whose answer goes out while it is made: the chunks of a stream as they come, and what is known at the end.
import { LiveAnswer, type AnswerEvent } from '#operation/live-answer.ts';
import { RawJson } from '#operation/raw-json.ts';
import type { OpenStream } from '#kernel/runtime/open-stream.ts';
import type { Invoked } from '#kernel/runtime/runtime.ts';

/** What the answer says of the call, beside what it gave. */
export function callFacts(invoked: Invoked) {
  return {
    callId: invoked.callId,
    version: invoked.version,
    hash: invoked.hash,
    durationMs: Math.round(invoked.durationMs * 1000) / 1000,
    recorded: invoked.recorded,
    ...(invoked.streamed ? { streamed: true } : {}),
    ...(invoked.replayed ? { replayed: true } : {}),
  };
}

export function liveAnswer(stream: OpenStream): LiveAnswer {
  return new LiveAnswer(liveEvents(stream));
}

/** Of a call that is over. @param seen how many of its chunks the caller has had before */
export function wholeAnswer(invoked: Invoked, seen = 0): LiveAnswer {
  return new LiveAnswer(wholeEvents(invoked, seen));
}

async function* liveEvents(stream: OpenStream): AsyncGenerator<AnswerEvent, void, undefined> {
  let id = 0;
  for await (const json of stream.chunks) {
    id += 1;
    yield { event: 'chunk', id, data: new RawJson(json) };
  }
  yield { event: 'done', data: callFacts(await stream.ended) };
}

async function* wholeEvents(invoked: Invoked, seen: number): AsyncGenerator<AnswerEvent, void, undefined> {
  if (invoked.streamed) {
    const chunks = JSON.parse(invoked.outputJson) as unknown[];
    for (const [index, chunk] of chunks.entries()) {
      if (index >= seen) yield { event: 'chunk', id: index + 1, data: new RawJson(JSON.stringify(chunk)) };
    }
  } else yield { event: 'result', data: new RawJson(invoked.outputJson) };
  yield { event: 'done', data: callFacts(invoked) };
}
