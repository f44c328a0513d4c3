// Agents from their text in a real host, behind a real runtime with a broker: for tests of what they may ask for.
import { onTestFinished } from 'vitest';
import type { Artifact } from '../../compiler/artifact.ts';
import { checkContract } from '../../compiler/contract-data.ts';
import { startTestHost, moduleOf } from '../../sandbox/test-host.ts';
import type { SandboxHost } from '../../sandbox/sandbox-host.ts';
import { AgentWorker } from '../agent-worker.ts';
import type { CallRecord } from '../call-log.ts';
import type { InvokeRequest } from '../invoke-request.ts';
import { NOTHING_PARKED } from '../parked-call.fixture.ts';
import { Runtime } from '../runtime.ts';
import { ServingHosts } from '../serving-hosts.ts';
import { NO_HISTORY } from '../state-history.fixture.ts';
import type { Claim, IdempotentAnswer, StateStore } from '../state-store.ts';
import { testBroker } from './broker.fixture.ts';
import type { Capability } from './capability.ts';
import type { Policy } from './policy.ts';
import type { CapabilityUse } from './use-log.ts';

export interface GivenAgent {
  /** Inside of the default export. */
  body: string;
  before?: string;
  capabilities?: readonly string[];
  grants?: object;
  limits?: object;
  isolation?: string;
  /** JSON Schema; default: anything. */
  input?: object;
  output?: object;
}

export interface AgentBench {
  runtime: Runtime;
  hosts: readonly SandboxHost[];
  serving: ServingHosts;
  records: CallRecord[];
  uses: CapabilityUse[];
  /** @returns the output */
  call: (agent: string, input?: unknown, over?: Partial<InvokeRequest>) => Promise<unknown>;
}

/** Versions of several tests may be in one host. */
let benches = 0;

export function artifactOf(name: string, given: GivenAgent): Artifact {
  const { contract } = checkContract({
    contract: 1,
    name,
    summary: '',
    exports: [...given.body.matchAll(/(?:async )?\*?(\w+)\(input/g)].map(([, text]) => ({
      kind: 'call',
      name: text,
      input: given.input ?? {},
      output: given.output ?? {},
    })),
    capabilities: given.capabilities ?? [],
    ...(given.grants === undefined ? {} : { grants: given.grants }),
    limits: { cpuMs: 2_000, deadlineMs: 20_000, ...given.limits },
    isolation: given.isolation ?? 'version',
  });
  const js = moduleOf(given.body, given.before);
  const map = '{"version":3,"sources":[],"names":[],"mappings":""}';
  benches += 1;
  return { hash: `hash-${benches}-of-${name}`, manifest: { agent: name, contract }, js, map } as unknown as Artifact;
}

/** @param given.hosts default: one that ends with the test. @param given.capabilities made with the runtime that they may have to call */
export async function startAgents(
  agents: Readonly<Record<string, GivenAgent>>,
  given: { capabilities: (runtime: () => Runtime) => readonly Capability[]; policy?: Policy; hosts?: readonly SandboxHost[] },
): Promise<AgentBench> {
  const serving = new ServingHosts();
  const hosts = given.hosts ?? [await startTestHost()];
  await Promise.all(
    hosts.map(async (host, n) => {
      await serving.join(`host-${n}`, host);
      void host.exited.then(() => serving.leave(`host-${n}`, host));
    }),
  );
  const records: CallRecord[] = [];
  const { broker, uses } = testBroker({
    capabilities: given.capabilities(() => runtime),
    ...(given.policy === undefined ? {} : { policy: given.policy }),
  });
  const state = memoryStore();
  const monotonicMs = (): number => performance.now();
  const runtime: Runtime = new Runtime({
    ...{ hosts: serving, state, broker, parked: NOTHING_PARKED, nowMs: Date.now, monotonicMs, randomSeed: () => 7 },
    log: { record: (record) => void records.push(record) },
    onLogLine: () => undefined,
  });
  for (const [name, agent] of Object.entries(agents)) {
    const artifact = artifactOf(name, agent);
    const worker = new AgentWorker({
      ...{ agent: name, hosts: serving, state, history: NO_HISTORY, syncPath: true, monotonicMs },
      loadArtifact: async () => ({ artifact, number: 1 }),
      onError: (error) => {
        throw error;
      },
    });
    runtime.add(worker);
    await worker.switchTo(artifact.hash);
  }
  onTestFinished(() => Promise.all(runtime.workers().map((worker) => worker.close())).then(() => undefined));
  const call: AgentBench['call'] = async (agent, input = null, over = {}) => {
    const invoked = await runtime.invoke({ agent, input, principal: { kind: 'user', id: 'u1' }, ...over });
    return JSON.parse(invoked.outputJson) as unknown;
  };
  return { runtime, hosts, serving, records, uses, call };
}

/** One writer, no lease: what is committed is seen. */
function memoryStore(): StateStore {
  const answers = new Map<string, IdempotentAnswer>();
  const states = new Map<string, string>();
  return {
    claim: async (agent, key): Promise<Claim> => ({
      ...{ fence: 1, revision: 0, stateJson: states.get(`${agent}/${key}`) ?? null, stateHash: null, stateVersion: 1, migrations: 0 },
      frozenHash: null,
    }),
    renew: async () => true,
    release: async () => undefined,
    async commit({ agent, instance, idempotency }) {
      if (instance !== null) states.set(`${agent}/${instance.key}`, instance.stateJson);
      if (idempotency !== null) answers.set(`${agent}/${idempotency.key}`, idempotency.answer);
    },
    findAnswer: async (agent, key) => answers.get(`${agent}/${key}`) ?? null,
  };
}
