// ctx.call: one agent calls another on this node. The callee is an agent like any other, with its own limits and its own record;
// what it inherits is the way that led to it, and the time its caller still waits.
import { z } from 'zod';
import { SeedError, toSeedError } from '#lib/error.ts';
import { nearest } from '#lib/nearest.ts';
import type { Invoked, InvokeRequest } from '../invoke-request.ts';
import type { Capability, CapabilityRequest } from './capability.ts';

export interface CallOptions {
  invoke: (request: InvokeRequest) => Promise<Invoked>;
  monotonicMs: () => number;
}

/** Calls below one another, the outermost included. */
const MAX_DEPTH = 8;

const optionsSchema = z.strictObject({
  export: z.string().max(64).optional(),
  key: z.string().max(1_024).optional(),
  idempotencyKey: z.string().min(1).max(200).optional(),
});

export function callCapability(options: CallOptions): Capability {
  return {
    names: ['call'],
    budget: ({ grants }) => ({ uses: grants?.call?.calls ?? 0, bytes: grants?.call?.callBytes ?? 0 }),
    serve: (request) => call(request, options),
  };
}

async function call(request: CapabilityRequest, { invoke, monotonicMs }: CallOptions): Promise<string> {
  const { call: caller, use } = request;
  const { agent: callerAgent, contract } = caller.version;
  const grant = contract.grants?.call;
  const [agent, input, given] = Array.isArray(request.args) ? (request.args as unknown[]) : [];
  if (typeof agent !== 'string') throw new SeedError('invalid_input', 'ctx.call: the first argument is no name of an agent');
  const parsed = optionsSchema.safeParse(given ?? {});
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new SeedError('invalid_input', `ctx.call: options.${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'wrong'}`);
  }
  if (grant === undefined || !grant.agents.includes(agent)) throw notGranted(agent, grant?.agents ?? []);
  use.target = agent;
  if (caller.chain.length >= MAX_DEPTH) {
    const way = [...caller.chain.map((link) => link.agent), agent].join(' → ');
    throw new SeedError('invalid_state', `ctx.call: ${MAX_DEPTH} calls are already below one another: ${way}`);
  }
  const startedMs = monotonicMs();
  const deadlineAtMs = Math.min(startedMs + grant.timeoutMs, caller.deadlineAtMs ?? Infinity);
  const timeout = AbortSignal.timeout(Math.max(1, Math.ceil(deadlineAtMs - startedMs)));
  const signal = AbortSignal.any([request.signal, timeout]);
  const { export: exportName, key, idempotencyKey } = parsed.data;
  const answer = invoke({
    agent,
    input: input ?? null,
    principal: { kind: 'agent', id: callerAgent },
    signal: () => signal,
    origin: { chain: caller.chain, deadlineAtMs },
    ...(exportName === undefined ? {} : { exportName }),
    ...(key === undefined ? {} : { key }),
    // No client can send such a key: those of one agent are its own.
    ...(idempotencyKey === undefined ? {} : { idempotencyKey: `\u0001${callerAgent}\u0001${idempotencyKey}` }),
  });
  try {
    // It may wait for its turn, where nothing hears the signal.
    const invoked = await Promise.race([answer, aborted(signal)]);
    use.detail = `call ${invoked.callId}`;
    return invoked.outputJson;
  } catch (thrown) {
    answer.catch(() => undefined);
    if (request.signal.aborted) throw new SeedError('cancelled', 'ctx.call: the call is over', { cause: thrown });
    if (timeout.aborted)
      throw new SeedError('deadline', `ctx.call: no answer from ${agent} within ${Math.round(deadlineAtMs - startedMs)} ms`);
    const { code, message, retryAfterMs } = toSeedError(thrown);
    throw new SeedError(code, `ctx.call: ${agent}: ${message}`, { cause: thrown, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
  }
}

function notGranted(agent: string, granted: readonly string[]): SeedError {
  const near = nearest(agent, granted);
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  return new SeedError('forbidden', `ctx.call: the contract does not grant the agent ${JSON.stringify(agent.slice(0, 80))}${hint}`);
}

function aborted(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  if (signal.aborted) reject(signal.reason as Error);
  else signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  return promise;
}
