// Candidates that mean harm: they pass their tests, go live beside everybody else, and show it at a call.
import assert from 'node:assert/strict';
import { agentOf, contractOf, DOUBLE } from '../../test/fixtures.ts';
import type { SeedProcess } from '../../test/seed-process.ts';

const POISON = 666;
const KINDS = {
  'infinite loop': 'for (;;) {}',
  'allocation bomb': 'const kept: unknown[] = []; for (;;) { try { kept.push(new Array(100_000).fill(input.n)); } catch {} }',
  'native hang': 'let x = 3n; for (;;) x = x * x;',
  'kills its host at the third call': "calls += 1; if (calls >= 3) 'a'.repeat(5e8).split('');",
} as const;
const EXTRA = 'examples: [{ input: { n: 1 } }], limits: { cpuMs: 300, deadlineMs: 1_000, memoryMb: 32 }, rollout: { observeMs: 60_000 },';

export class HostileAgent {
  readonly #seed: SeedProcess;
  #round = 0;
  /** What became of each: refused, taken back, or left alone because its limits held it. */
  readonly ends: { kind: string; calls: number; end: string; tookMs: number }[] = [];

  constructor(seed: SeedProcess) {
    this.#seed = seed;
  }

  async create(): Promise<void> {
    const from = { 'contract.ts': contractOf('hostile', EXTRA), 'agent.ts': agentOf(DOUBLE) };
    const created = await this.#seed.api('POST', '/api/agents', { from });
    assert.equal(created.status, 201, JSON.stringify(created.body));
  }

  /** The next kind: staged, made live, called until it has shown what it is. */
  async strike(): Promise<void> {
    const kinds = Object.entries(KINDS);
    const [kind, harm] = kinds[this.#round % kinds.length] as [string, string];
    this.#round += 1;
    const startedMs = performance.now();
    // Another script each time: the one of before may be in quarantine.
    const body = `if (input.n === ${POISON}) { ${harm} } return { n: input.n * 2 + 0 * ${this.#round} };`;
    const source = agentOf(body).replace('export default', 'let calls = 0;\n\nexport default');
    const staged = await this.#seed.api<{ data: { version: number } }>('POST', '/api/code/hostile/versions', {
      from: { 'agent.ts': source },
    });
    assert.equal(staged.status, 201, JSON.stringify(staged.body));
    const version = `v${staged.body.data.version}`;
    const promoted = await this.#seed.api('POST', `/api/code/hostile/versions/${version}/promote`, {}, { 'x-confirm': 'code:promote' });
    assert.equal(promoted.status, 200, JSON.stringify(promoted.body));
    let calls = 0;
    for (; calls < 12; calls += 1) {
      const { status, body: answer } = await this.#seed.api<{ version?: number }>('POST', '/api/agents/hostile/invoke', {
        input: { n: POISON },
      });
      // The one before it answers: it was taken back.
      if (status === 200 && answer.version !== staged.body.data.version) break;
    }
    const { body: after } = await this.#seed.api<{ data: { version: number } }>('GET', '/api/agents/hostile');
    const tookMs = performance.now() - startedMs;
    this.ends.push({ kind, calls, tookMs, end: after.data.version === staged.body.data.version ? 'held by its limits' : 'taken back' });
  }
}
