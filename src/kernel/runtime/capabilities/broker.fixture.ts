// A broker for tests: what it wrote down can be looked at.
import { Broker, type BrokerOptions } from './broker.ts';
import { defaultPolicy } from './policy.ts';
import type { CapabilityUse } from './use-log.ts';

export function testBroker(over: Partial<BrokerOptions> = {}): { broker: Broker; uses: CapabilityUse[] } {
  const uses: CapabilityUse[] = [];
  const broker = new Broker({
    capabilities: [],
    policy: defaultPolicy(),
    uses: { record: (use) => void uses.push(use) },
    nowMs: Date.now,
    monotonicMs: () => performance.now(),
    ...over,
  });
  return { broker, uses };
}
