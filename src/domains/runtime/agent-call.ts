// agents:invoke — the hot path: as little as possible between the gate and the runtime.
import { SeedError } from '#lib/error.ts';
import type { OperationContext } from '#operation/operation.ts';
import { RawJson } from '#operation/raw-json.ts';
import type { NodePorts } from '../ports.ts';

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
  const invoked = await runtime.invoke({
    agent: input.agent,
    exportName: input.export,
    input: input.input,
    principal: context.principal,
    // Asked for only where a call must be able to end early: making one for every call costs more than the call.
    signal: () => context.signal,
    ...(input.key === undefined ? {} : { key: input.key }),
    ...(context.idempotencyKey === undefined ? {} : { idempotencyKey: context.idempotencyKey }),
    ...(hash === undefined ? {} : { hash }),
  });
  return {
    data: new RawJson(invoked.outputJson),
    callId: invoked.callId,
    version: invoked.version,
    hash: invoked.hash,
    durationMs: Math.round(invoked.durationMs * 1000) / 1000,
    recorded: invoked.recorded,
    ...(invoked.replayed ? { replayed: true } : {}),
  };
}
