// agents:invoke — the hot path: as little as possible between the gate and the runtime.
import { SeedError } from '#lib/error.ts';
import type { OperationContext } from '#operation/operation.ts';
import { RawJson } from '#operation/raw-json.ts';
import { openStream } from '#kernel/runtime/open-stream.ts';
import type { Invoked } from '#kernel/runtime/invoke-request.ts';
import type { Parked } from '#kernel/runtime/parked-call.ts';
import type { NodePorts } from '../ports.ts';
import { callFacts, liveAnswer, parkedAnswer, parkedFacts, wholeAnswer } from './live-call.ts';

interface InvokeInput {
  agent: string;
  input: unknown;
  key?: string;
  export: string;
  version?: string;
}

/** Longer ones are refused: they are kept in an index. */
const MAX_IDEMPOTENCY_KEY = 255;

export async function invoke(input: InvokeInput, context: OperationContext<NodePorts>) {
  const { agents, runtime, codeStore } = context.ports;
  if (context.idempotencyKey !== undefined && context.idempotencyKey.length > MAX_IDEMPOTENCY_KEY) {
    throw new SeedError(
      'bad_request',
      `the idempotency key has ${context.idempotencyKey.length} characters, at most ${MAX_IDEMPOTENCY_KEY} are allowed`,
    );
  }
  // One that does not run is not one that does not exist: this throws which of the two it is.
  if (runtime.find(input.agent) === undefined) agents.rollout(input.agent);
  const hash = input.version === undefined ? undefined : (await codeStore.resolve(input.agent, input.version)).hash;
  const request = {
    agent: input.agent,
    exportName: input.export,
    input: input.input,
    principal: context.principal,
    // Asked for only where a call must be able to end early: making one for every call costs more than the call.
    signal: () => context.signal,
    ...(input.key === undefined ? {} : { key: input.key }),
    ...(context.idempotencyKey === undefined ? {} : { idempotencyKey: context.idempotencyKey }),
    ...(hash === undefined ? {} : { hash }),
  };
  if (context.wantsEvents === undefined) return answerOf(input.agent, await runtime.invokeOrPark(request));
  const seen = chunksSeen(context);
  const opened = await openStream(runtime, request);
  if ('chunks' in opened) return liveAnswer(opened);
  const mustBeEvents = context.wantsEvents === 'always';
  if (opened.state === 'parked') return mustBeEvents ? parkedAnswer(parkedFacts(input.agent, opened)) : answerOf(input.agent, opened);
  return opened.streamed || mustBeEvents ? wholeAnswer(opened, seen) : answerOf(input.agent, opened);
}

function answerOf(agent: string, invoked: Invoked | Parked) {
  if (invoked.state === 'parked') return parkedFacts(agent, invoked);
  return { data: new RawJson(invoked.outputJson), ...callFacts(invoked) };
}

/** A call that broke off would run again from its beginning, unless its answer is kept. @throws SeedError `invalid_input` */
function chunksSeen({ lastEventId, idempotencyKey }: OperationContext<NodePorts>): number {
  if (lastEventId === undefined) return 0;
  if (idempotencyKey !== undefined && /^\d{1,9}$/.test(lastEventId)) return Number(lastEventId);
  throw new SeedError('invalid_input', `a call can not be gone on with after event ${JSON.stringify(lastEventId.slice(0, 40))}`, {
    hint: 'with an Idempotency-Key a call that has ended gives its chunks again, from the one after Last-Event-ID',
  });
}
