import { describe, expect, test } from 'vitest';
import { htmlPage } from './html.ts';
import { statusPage } from './status-page.ts';

const HEALTH = {
  status: 'ok',
  queue_depth: 0,
  memory: { total: 1 },
  checks: {
    'disk:free': [{ status: 'pass', observedValue: 81_857_363_968, observedUnit: 'bytes' }],
    'improvements:queue': [{ status: 'pass', observedValue: 0 }],
    'database:query': [{ status: 'fail', output: 'the disk is full' }],
  },
};
const AGENT = { name: 'packer', summary: 'packs <things>', status: 'idle', version: 1, phase: 'idle' };
const VERSION = {
  version: 1,
  hash: 'f'.repeat(64),
  status: 'active',
  verdict: 'unverified',
  reason: 'the first version',
  proposer: 'manual',
  createdAt: '2026-01-01T00:00:00Z',
};
const IMPROVEMENT = {
  id: 'i',
  agent: 'packer',
  state: 'generating',
  proposer: 'genetic',
  reason: '',
  baseVersion: 1,
  version: null,
  baseline: null,
  selection: null,
  validation: null,
  test: null,
  evaluated: 12,
  swapMs: null,
  reported: [],
  durationMs: 1_000,
  stages: [{ stage: 'contract_tests', state: 'running', durationMs: null }],
  progress: [
    { elapsedMs: 0, best: 4, baseline: 4 },
    { elapsedMs: 1_000, best: 2, baseline: 4 },
  ],
};

interface Answers {
  agents?: readonly object[];
  versions?: readonly object[];
  improvements?: readonly object[];
  contract?: object | null;
  improvementsPaused?: object | null;
}

/** The page as it is made of what the operations answer. */
async function page(given: Answers = {}): Promise<string> {
  const { agents = [AGENT], versions = [VERSION], improvements = [], contract = null, improvementsPaused = null } = given;
  const answers: Readonly<Record<string, unknown>> = {
    'system:status': { version: '0.1.0', node: 'n1', mode: 'embedded', uptimeSeconds: 61, memoryBytes: 1_048_576, improvementsPaused },
    'system:health': HEALTH,
    'agents:list': { items: agents },
    'agents:status': { contract },
    'code:list': { items: versions },
    'improvements:list': { items: improvements },
    'improvements:get': improvements[0],
  };
  const document = await statusPage.render({
    principal: { kind: 'user', id: 'u', roles: [], scopes: [] } as never,
    query: new URLSearchParams(),
    requestId: 'r',
    nowMs: 0,
    call: async (operation) => answers[operation],
  });
  return (await (await htmlPage(document)).text()).replace(/\s+/g, ' ');
}

describe('/status', () => {
  test('has no script, and escapes what agents say of themselves', async () => {
    const text = await page({ improvements: [IMPROVEMENT] });
    expect(text).not.toMatch(/<script/i);
    expect(text).toContain('packs &lt;things&gt;');
  });

  test('shows a running improvement with its plot, and asks again soon', async () => {
    const text = await page({
      improvements: [IMPROVEMENT],
      contract: { objective: { name: 'excess', unit: '%', direction: 'minimize' } },
    });
    expect(text).toContain('improving itself');
    expect(text).toContain('<svg class="plot"');
    expect(text).toContain('excess in %: lower is better');
    expect(text).toContain('content="2"');
    expect(text).toMatch(/class="running"> ?contract tests/);
  });

  test('says who has stopped all improvements, and how they go on', async () => {
    expect(await page()).not.toContain('improvements:resume');
    const text = await page({ improvements: [IMPROVEMENT], improvementsPaused: { reason: 'stock <taking>', by: 'user/boss' } });
    expect(text).toMatch(/user\/boss has stopped all improvements: stock &lt;taking&gt; · <code>bin\/seed improvements:resume<\/code>/);
  });

  test('shows tasks that decide nothing, and says which of them could not be scored', async () => {
    const reported = [
      { task: 'uniform 1k', baseline: 4.91, score: 6.2, failed: null },
      { task: 'nightly <x>', baseline: null, score: null, failed: 'evaluation_threw: not today' },
    ];
    const text = await page({ improvements: [{ ...IMPROVEMENT, state: 'live', version: 2, reported }] });
    expect(text).toMatch(/<dt title="4\.910 before; decides nothing">uniform 1k<\/dt> <dd>6\.200<\/dd>/);
    expect(text).toMatch(/<dt title="evaluation_threw: not today; decides nothing">nightly &lt;x&gt;<\/dt> <dd>failed<\/dd>/);
  });

  test('shows the last improvement of an agent that is gone', async () => {
    const text = await page({ agents: [], improvements: [{ ...IMPROVEMENT, state: 'live', version: 2 }] });
    expect(text).toContain('last improvement');
    expect(text).toContain('bin/seed agents:create --from');
  });

  test('says of an agent in error what to do', async () => {
    const text = await page({ agents: [{ ...AGENT, status: 'error', version: null }] });
    expect(text).toContain('<code>bin/seed agents:logs packer</code> says why');
    expect(text).toContain('<code>bin/seed agents:start packer</code> tries again');
    expect(text).toContain('<span class="badge bad">error</span>');
    expect(await page()).not.toContain('agents:logs');
  });

  test('an agent that was stopped is neither well nor broken', async () => {
    expect(await page({ agents: [{ ...AGENT, status: 'stopped' }] })).toContain('<span class="badge watch">stopped</span>');
    expect(await page()).toContain('<span class="badge good">idle</span>');
  });

  test('an agent without a version has no empty table', async () => {
    expect(await page({ versions: [] })).toContain('No version yet.');
  });

  test('shows what the checks have seen, in units for people', async () => {
    const text = await page();
    expect(text).toContain('81.9 GB');
    expect(text).toContain('the disk is full');
    expect(text).not.toContain('undefined');
  });
});
