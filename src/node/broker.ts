// What agents may ask the node for, and where it is written down that they did.
import { CapabilityUseStore } from '#domains/runtime/capability-use-store.ts';
import { Broker } from '#kernel/runtime/capabilities/broker.ts';
import { callCapability } from '#kernel/runtime/capabilities/call.ts';
import type { Invoked, InvokeRequest } from '#kernel/runtime/invoke-request.ts';
import { fetchCapability } from '#kernel/runtime/capabilities/fetch/fetch.ts';
import { emit } from '#telemetry/emit.ts';
import type { Parts } from './parts.ts';
import { reportTo } from './report-error.ts';

export function createBroker(parts: Parts): { broker: Broker; close: () => Promise<void> } {
  const { policy, monotonicMs } = parts.ground;
  const uses = new CapabilityUseStore({
    database: () => parts.find('database') ?? null,
    onWritten: () => undefined,
    onDropped: (count, reason) => emit('seed_agent.capability.use_dropped', { uses: count }, { reason }),
    onError: reportTo(parts, 'capabilities.use.failed'),
  });
  const invoke = (request: InvokeRequest): Promise<Invoked> => parts.get('runtime').invoke(request);
  const capabilities = [fetchCapability({ policy }), callCapability({ invoke, monotonicMs })];
  return { broker: new Broker({ capabilities, policy, uses, nowMs: Date.now, monotonicMs }), close: () => uses.close() };
}
