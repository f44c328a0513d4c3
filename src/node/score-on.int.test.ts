// Hosts that end while they score, by the signal with which an engine ends itself.
import { expect, onTestFinished, test, vi } from 'vitest';
import { callLimitsSchema } from '#kernel/compiler/contract.ts';
import type { EvaluateRequest } from '#kernel/sandbox/call.ts';
import { SandboxHost } from '#kernel/sandbox/sandbox-host.ts';
import { scoreOn } from './score-on.ts';

const EVALUATION = `var __seed_module = (() => ({ default: { sample: () => 1, *session() { const { n } = yield {}; return { score: n }; } } }))();`;
const { signal } = new AbortController();

function request(handle: string, samples: number): EvaluateRequest {
  return {
    agent: 'scored',
    candidateJs: `var __seed_module = (() => ({ default: { handle: () => { ${handle} } } }))();`,
    evaluationJs: EVALUATION,
    limits: callLimitsSchema.parse({ cpuMs: 60_000, deadlineMs: 60_000 }),
    capabilities: [],
    set: 'validation',
    seeds: Array.from({ length: samples }, (_, seed) => seed),
    feed: 'outside',
    deadlineMs: 60_000,
  };
}

/** A fresh host each time; the first `crashing` of them crash as soon as they score. */
function hosts(crashing: number) {
  const used: SandboxHost[] = [];
  return {
    used,
    use: async <T>(work: (host: SandboxHost) => Promise<T>): Promise<T> => {
      const host = await SandboxHost.start({ shortLived: true });
      onTestFinished(() => host.close());
      used.push(host);
      const working = work(host);
      if (used.length > crashing) return working;
      await vi.waitFor(() => expect(host.stats().evaluations).toBe(1));
      process.kill(host.pid, 'SIGSEGV');
      return working;
    },
  };
}

test('a host that crashes is not taken for the doing of what it scored: another one scores it again', async () => {
  const crashing = hosts(1);
  expect(await scoreOn(crashing, { request: request('return { n: 5 };', 5_000), signal })).toMatchObject({ ok: true });
  expect(crashing.used).toHaveLength(2);
});

test('what ends one host after the other is not tried for ever', async () => {
  const crashing = hosts(10);
  expect(await scoreOn(crashing, { request: request('for (;;);', 1), signal })).toMatchObject({ ok: false, hostEnded: true });
  expect(crashing.used.length).toBeLessThanOrEqual(4);
});

test('what fails by itself is not tried again', async () => {
  const calm = hosts(0);
  expect(await scoreOn(calm, { request: request('throw new Error("no");', 1), signal })).toMatchObject({ ok: false, failure: 'threw' });
  expect(calm.used).toHaveLength(1);
});
