// Whether what a contract grants is within the operator's policy: asked when a version is made, and each time it is loaded.
import { SeedError } from '#lib/error.ts';
import type { ContractData } from '../../compiler/contract.ts';
import { covers, hostPattern, type HostPattern } from '../../compiler/host-pattern.ts';
import type { Policy, Said } from './policy.ts';

interface Problem {
  /** Member of the contract. */
  path: string;
  message: string;
}

/** @throws SeedError `policy_refused` that names the agent, the grant and the line of the policy */
export function checkPolicy(contract: ContractData, policy: Policy): void {
  const problems = [...policyProblems(contract, policy)];
  const [first] = problems;
  if (first === undefined) return;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  throw new SeedError('policy_refused', `${contract.name}: ${first.path}: ${first.message}${more}`, {
    details: problems,
    hint: 'ask for less in contract.ts, or have the operator allow it there and restart the node',
  });
}

function* policyProblems(contract: ContractData, policy: Policy): Generator<Problem> {
  const { name, capabilities, grants } = contract;
  const refused = (path: string, asked: string, said: Said<unknown>): Problem => ({
    path,
    message: `${asked} is more than ${policy.where(said.path)} allows (${said.path.join('.')}: ${JSON.stringify(said.value).slice(0, 200)})`,
  });

  const allowed = policy.capabilities(name);
  for (const [index, capability] of capabilities.entries()) {
    if (allowed !== null && !allowed.value.includes(capability))
      yield refused(`capabilities[${index}]`, JSON.stringify(capability), allowed);
  }
  const ceiling = (path: string, asked: number, said: Said<number> | null): Problem[] =>
    said !== null && asked > said.value ? [refused(path, String(asked), said)] : [];
  if (grants?.fetch !== undefined) {
    const hosts = policy.says(name, 'fetch', 'hosts');
    for (const [index, text] of grants.fetch.hosts.entries()) {
      if (hosts !== null && !hosts.value.some((wide) => covers(pattern(wide), pattern(text)))) {
        yield refused(`grants.fetch.hosts[${index}]`, JSON.stringify(text), hosts);
      }
    }
    const methods = policy.says(name, 'fetch', 'methods');
    for (const [index, method] of grants.fetch.methods.entries()) {
      if (methods !== null && !methods.value.includes(method)) yield refused(`grants.fetch.methods[${index}]`, method, methods);
    }
    const { requests, requestBytes, responseBytes, callBytes, timeoutMs } = grants.fetch;
    yield* ceiling('grants.fetch.requests', requests, policy.says(name, 'fetch', 'requests'));
    yield* ceiling('grants.fetch.requestBytes', requestBytes, policy.says(name, 'fetch', 'request_bytes'));
    yield* ceiling('grants.fetch.responseBytes', responseBytes, policy.says(name, 'fetch', 'response_bytes'));
    yield* ceiling('grants.fetch.callBytes', callBytes, policy.says(name, 'fetch', 'call_bytes'));
    yield* ceiling('grants.fetch.timeoutMs', timeoutMs, policy.says(name, 'fetch', 'timeout_ms'));
  }
  if (grants?.call !== undefined) {
    const agents = policy.says(name, 'call', 'agents');
    for (const [index, agent] of grants.call.agents.entries()) {
      if (agents !== null && !agents.value.includes(agent)) yield refused(`grants.call.agents[${index}]`, JSON.stringify(agent), agents);
    }
    const { calls, callBytes, timeoutMs } = grants.call;
    yield* ceiling('grants.call.calls', calls, policy.says(name, 'call', 'calls'));
    yield* ceiling('grants.call.callBytes', callBytes, policy.says(name, 'call', 'call_bytes'));
    yield* ceiling('grants.call.timeoutMs', timeoutMs, policy.says(name, 'call', 'timeout_ms'));
  }
}

/** Both were checked when they were read. */
function pattern(text: string): HostPattern {
  return hostPattern(text) as HostPattern;
}
