// What the tests of this folder share: hosts that end with the test, modules from their text, calls with everything filled in.
import { onTestFinished } from 'vitest';
import { callLimitsSchema, type CallLimits } from '../compiler/contract.ts';
import type { CallOutcome, CallRequest, LoadRequest } from './call.ts';
import { SandboxHost, type SandboxHostOptions } from './sandbox-host.ts';

export async function startTestHost(options?: SandboxHostOptions): Promise<SandboxHost> {
  const host = await SandboxHost.start(options);
  onTestFinished(() => host.close());
  return host;
}

/** A bundle as the compiler makes them: `body` is that of the default export, an object literal's inside. */
export function moduleOf(body: string, before = ''): string {
  return `var __seed_module = (() => { ${before}\nconst agent = { ${body} };\nreturn { default: agent }; })();`;
}

export function loadRequest(js: string, given: Partial<Omit<LoadRequest, 'limits'>> & { limits?: Partial<CallLimits> } = {}): LoadRequest {
  return {
    hash: 'v1',
    agent: 'tested',
    js,
    isolation: 'version',
    capabilities: ['log', 'now', 'random', 'state'],
    ...given,
    limits: { ...callLimitsSchema.parse({}), ...given.limits },
  };
}

let calls = 0;

export function callRequest(input: unknown, given: Partial<CallRequest> = {}): CallRequest {
  calls += 1;
  return {
    id: `call-${calls}`,
    hash: 'v1',
    exportName: 'handle',
    inputJson: JSON.stringify(input),
    key: null,
    timeMs: Date.UTC(2026, 0, 2, 3, 4, 5),
    seed: 7,
    path: 'async',
    principalJson: '{"kind":"user","id":"u1","roles":[],"scopes":[]}',
    onRequest: () => Promise.resolve('null'),
    ...given,
  };
}

/** @throws when the call failed */
export function outputOf(outcome: CallOutcome): unknown {
  if (!outcome.ok) throw new Error(`${outcome.failure}: ${outcome.error.message}`, { cause: outcome });
  return JSON.parse(outcome.outputJson);
}
