// A call whose answer goes out while it is made: the chunks of a stream as they come, and what is known at the end.
import { LiveAnswer, type AnswerEvent } from '#operation/live-answer.ts';
import { RawJson } from '#operation/raw-json.ts';
import type { OpenStream } from '#kernel/runtime/open-stream.ts';
import type { OpenWait, Parked } from '#kernel/runtime/parked-call.ts';
import type { Invoked } from '#kernel/runtime/invoke-request.ts';

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

/** What is said of a call that is parked, and what to do about it. */
export function parkedFacts(agent: string, { state, callId, version, hash, open }: Parked) {
  const asks = open.filter(({ kind }) => kind === 'ask');
  const which = asks.length > 1 ? ' --request <number>' : '';
  const next = `seed agents:calls:get ${agent} ${callId} --wait 60s`;
  return {
    state,
    callId,
    version,
    hash,
    open: open.map(waitView),
    hint: asks.length === 0 ? next : `seed agents:calls:answer ${agent} ${callId}${which} --answer <JSON>, then ${next}`,
  };
}

/** What a parked call waits for, as operations show it. */
export function waitView({ request, kind, question, schema, dueMs }: OpenWait) {
  return { request, kind, question, schema, dueAt: dueMs === null ? null : new Date(dueMs).toISOString() };
}

export function liveAnswer(stream: OpenStream): LiveAnswer {
  return new LiveAnswer(liveEvents(stream));
}

/** Of a call that is over. @param seen how many of its chunks the caller has had before */
export function wholeAnswer(invoked: Invoked, seen = 0): LiveAnswer {
  return new LiveAnswer(wholeEvents(invoked, seen));
}

/** Of a call that is parked, for who asked for events: there are none before it goes on. */
export function parkedAnswer(facts: ReturnType<typeof parkedFacts>): LiveAnswer {
  return new LiveAnswer(parkedEvents(facts));
}

async function* parkedEvents(facts: ReturnType<typeof parkedFacts>): AsyncGenerator<AnswerEvent, void, undefined> {
  yield { event: 'done', data: facts };
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
