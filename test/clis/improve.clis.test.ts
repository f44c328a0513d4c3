// The two real programs better an agent of a whole node, against a server that follows a script: what they leave is scored, held against
// the gate, waits for a person, goes live, and stands in the lineage. That the script's code is good proves nothing about the programs.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startSeed, type SeedProcess } from '../seed-process.ts';
import { until } from '../until.ts';
import { BETTER_EXTRACTOR } from './better-extractor.ts';
import { PROGRAMS, settingsOf } from './programs.ts';
import { ScriptedApi, type Scenario } from './scripted-api.ts';

let api: ScriptedApi;
beforeAll(async () => {
  api = await ScriptedApi.start();
});
afterAll(() => api[Symbol.asyncDispose]());

interface Improvement {
  id: string;
  state: string;
  reason: string;
  version: number | null;
  baseline: number | null;
  test: number | null;
  attempts: string[];
  spent: { runs: number; cost_micro_usd: number };
  stages: { stage: string; state: string; report: Record<string, unknown> | null }[];
}

interface LineageItem {
  version: number | null;
  hash: string | null;
  parent: string | null;
}

const RUNNING = ['queued', 'generating', 'validating', 'staged', 'promoting'];

describe.each(PROGRAMS)('%s', (program) => {
  let seed: SeedProcess;
  const play = (scenario: Scenario) => api.play(`improve-${program}`, scenario);
  beforeAll(async () => {
    const url = play({ steps: ['silence'] });
    seed = await startSeed({ env: settingsOf(url) });
    // Without it somebody has to be asked.
    const rules = await seed.api<{ data: { id: string }[] }>('GET', '/api/approval-rules');
    await seed.api('POST', `/api/approval-rules/${rules.body.data[0]?.id}/disable`, {});
  });
  afterAll(() => seed[Symbol.asyncDispose]());

  const get = (id: string) => seed.api<{ data: Improvement }>('GET', `/api/improvements/${id}`);
  async function improve(scenario: Scenario): Promise<Improvement> {
    play(scenario);
    const request = { proposer: program, budget: '90s', goal: 'read every layout', seed: 1 };
    const made = await seed.api<{ data: { id: string } }>('POST', '/api/agents/extract/improvements', request);
    expect(made.status).toBe(202);
    const { body } = await until(
      () => get(made.body.data.id),
      (answer) => !RUNNING.includes(answer.body.data.state),
      100_000,
    );
    return body.data;
  }

  test('what touches a protected file comes to nothing, and says so', async () => {
    const ended = await improve({ steps: [{ write: { path: 'contract.ts', content: 'export default 1;\n' } }, { text: 'easier now' }] });
    expect(ended).toMatchObject({ state: 'no_gain', spent: { runs: 3 } });
    expect(ended.attempts).toHaveLength(3);
    for (const reason of ended.attempts) expect(reason).toContain('contract.ts is protected');
  });

  test('401: it fails at once, with the reason, and is not tried again', async () => {
    const ended = await improve({ steps: [{ status: 401 }] });
    expect([ended.state, ended.spent.runs]).toEqual(['failed', 1]);
    expect(ended.reason).toMatch(new RegExp(`^${program} \\(unauthorized\\): .+`));
  });

  test('better code is scored, waits for a person, goes live, and is in the lineage with its price', async () => {
    const usage = { input: 1_000, output: 500 };
    const waiting = await improve({
      steps: [{ write: { path: 'agent.ts', content: BETTER_EXTRACTOR } }, { text: 'It reads all five layouts now.', usage }],
    });
    expect(waiting).toMatchObject({ state: 'waiting', version: 2, spent: { runs: 1 } });
    expect(waiting.test).toBeGreaterThanOrEqual(0.95);
    expect(waiting.baseline).toBeLessThan(0.5);
    expect(waiting.stages.map(({ stage }) => stage)).toEqual([
      'propose',
      'contract_tests',
      'validation',
      'test',
      'stage',
      'replay',
      'rehearsal',
      'approval',
    ]);
    const items = await seed.api<{ data: { id: string; source_id: string }[] }>('GET', '/api/approvals');
    expect(items.body.data).toMatchObject([{ source_id: waiting.id, title: 'extract v2 in place of v1' }]);
    // Nothing has happened yet.
    const before = await seed.api<{ version: number }>('POST', '/api/agents/extract/invoke', { input: { line: 'x' } });
    expect(before.body.version).toBe(1);

    const approved = await seed.api('POST', `/api/improvements/${waiting.id}/approve`, { note: 'read it' });
    expect(approved.status).toBe(200);
    await until(
      () => get(waiting.id),
      ({ body }) => ['verifying', 'live'].includes(body.data.state),
    );
    const line = '2025/03/04 | #10233 | Nordwind GmbH | Desk lamp | 3 pcs | EUR 1,024.50 | net 30';
    const called = await seed.api<{ version: number; data: unknown }>('POST', '/api/agents/extract/invoke', { input: { line } });
    expect(called.body).toMatchObject({ version: 2, data: { number: 10_233, unitPriceCents: 102_450, dueDate: '2025-04-03' } });

    const { data: lineage } = (await seed.api<{ data: { items: LineageItem[]; drawing: string } }>('GET', '/api/code/extract/lineage'))
      .body;
    expect(waiting.spent.cost_micro_usd).toEqual(expect.any(Number));
    const [first, second] = [1, 2].map((number) => lineage.items.find(({ version }) => version === number));
    expect(second).toMatchObject({
      parent: first?.hash,
      proposer: program,
      improvement: waiting.id,
      prompt_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      cost_micro_usd: waiting.spent.cost_micro_usd,
      approved_by: expect.stringContaining('/'),
    });
    expect(lineage.drawing.split('\n').find((line) => line.includes('v2'))).toContain(program);

    const log = execFileSync('git', ['--git-dir', join(seed.dataDir, 'lineage.git'), 'log', '--format=%s%n%b', 'extract/live'], {
      encoding: 'utf8',
    });
    expect(log).toContain('extract v2: It reads all five layouts now.');
    for (const trailer of [
      `Improvement: ${waiting.id}`,
      `Proposer: ${program}`,
      'Verdict: accepted',
      'Approved-By: ',
      'Score-Test: 0.9',
      'Cost-Micro-Usd: ',
    ])
      expect(log.replaceAll('Score-Test: 1\n', 'Score-Test: 0.9')).toContain(trailer);
    const all = execFileSync('git', ['--git-dir', join(seed.dataDir, 'lineage.git'), 'ls-tree', '-r', '--name-only', 'extract/live'], {
      encoding: 'utf8',
    });
    expect(all.split('\n').filter((path) => path.startsWith('evals/'))).toEqual([]);
  });
});
