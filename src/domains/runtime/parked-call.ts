// Handlers of agents:calls:* for calls that are parked: answer one, cancel one, wait for one.
import type { Database } from '#db/database.ts';
import { SeedError } from '#lib/error.ts';
import { parseDuration } from '#lib/duration.ts';
import type { OperationContext } from '#operation/operation.ts';
import type { NodePorts } from '../ports.ts';
import { streamOf } from './parked-call-event.ts';
import type { ParkedRow } from './parked-call-store.ts';

type Context = OperationContext<NodePorts>;

const LONGEST_WAIT_MS = 600_000;
/** A wake-up may be lost. */
const LOOK_EVERY_MS = 1_000;

export async function answer(input: { agent: string; call: string; answer: unknown; request?: number }, context: Context) {
  const { agents, parkedCalls } = context.ports;
  await agents.get(input.agent);
  const { kind, id } = context.principal;
  const given = { answer: input.answer, principal: { kind, id }, ...(input.request === undefined ? {} : { request: input.request }) };
  const request = await parkedCalls.answer(input.agent, input.call, given);
  return { callId: input.call, request, state: await stateOf(input, context), applied: true };
}

export async function cancel(input: { agent: string; call: string; reason: string }, context: Context) {
  const { agents, parkedCalls, resumer } = context.ports;
  await agents.get(input.agent);
  const { kind, id } = context.principal;
  await parkedCalls.cancel(input.agent, input.call, { reason: input.reason, principal: { kind, id } });
  resumer.abort(input.call);
  return { callId: input.call, state: await stateOf(input, context), applied: true };
}

async function stateOf({ agent, call }: { agent: string; call: string }, { ports }: Context): Promise<ParkedRow['state']> {
  return (await ports.parkedCalls.find(agent, call))?.state ?? 'done';
}

export function isLive({ state }: ParkedRow): boolean {
  return state === 'parked' || state === 'running';
}

/** The call when it has ended, or as it is when the time is over or the caller has gone. */
export async function waitFor(row: ParkedRow, wait: string, { ports, signal }: Context): Promise<ParkedRow> {
  const waitMs = parseDuration(wait);
  if (waitMs > LONGEST_WAIT_MS) {
    throw new SeedError('invalid_input', `wait: ${wait} is longer than 10m`, { details: [{ path: 'wait', message: 'at most 10m' }] });
  }
  const untilMs = performance.now() + waitMs;
  let current = row;
  while (isLive(current) && !signal.aborted && performance.now() < untilMs) {
    await somethingHappens(ports.database, row.id, { signal, forMs: Math.min(LOOK_EVERY_MS, untilMs - performance.now()) });
    current = (await ports.parkedCalls.find(row.agent, row.id)) ?? current;
  }
  return current;
}

/** An event of the call was published, or it is time to look. */
async function somethingHappens(database: Database, id: string, { signal, forMs }: { signal: AbortSignal; forMs: number }): Promise<void> {
  const happened = Promise.withResolvers<void>();
  const stop = database.listen(`stream:${streamOf(id)}`, () => happened.resolve());
  const timer = setTimeout(happened.resolve, forMs);
  signal.addEventListener('abort', () => happened.resolve(), { once: true });
  await happened.promise;
  clearTimeout(timer);
  stop();
}
