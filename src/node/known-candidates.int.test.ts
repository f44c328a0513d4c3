import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '#db/database.ts';
import { testDatabase } from '#db/testing.ts';
import { appendImprovement } from '#domains/evolution/store.ts';
import { artifactStore } from '#domains/runtime/artifact-store.ts';
import { insertAgent } from '#domains/runtime/store.ts';
import { candidateId } from '#improvement/archive/candidate-id.ts';
import type { ImprovementEvent, PairedReport } from '#improvement/events.ts';
import { Lineage } from '#improvement/lineage/lineage.ts';
import type { SourceFiles } from '#kernel/compiler/artifact.ts';
import { contractSchema } from '#kernel/compiler/contract.ts';
import { sha256 } from '#lib/canonical-json.ts';
import { uuidv7 } from '#lib/id.ts';
import { knownCandidates } from './known-candidates.ts';

let database: Database;
let root: string;
beforeAll(async () => {
  database = await testDatabase();
  root = await mkdtemp(join(tmpdir(), 'seed-known-'));
  await insertAgent(database, { name: 'packer', type: 'worker', summary: '', source: 'upload', owner: { kind: 'node', id: 'n' } });
});
afterAll(async () => {
  await database.close();
  await rm(root, { recursive: true, force: true });
});

const SOURCES = new Map<string, SourceFiles>();
const REPORT: PairedReport = { draws: 20, baseMean: 4, mean: 3.9, gain: 0.1, relativeGain: 0.025, wins: 18, losses: 2, p: 0.01 };
const CANDIDATE = { files: { 'agent.ts': 'two' }, selection: 3.8, note: 'a smaller gap' };

/** @returns its hash */
async function keep(text: string, parent: string | null, proposer: string): Promise<string> {
  const sources = { 'agent.ts': text, 'evals/evaluation.ts': 'secret' };
  const hash = sha256(text);
  const limits = {
    contract: 1,
    name: 'packer',
    summary: '',
    exports: [{ kind: 'call', name: 'handle', input: {}, output: {} }],
    limits: {},
  };
  const manifest = {
    manifest: 1 as const,
    agent: 'packer',
    files: {},
    jsHash: sha256(text),
    mapHash: sha256('{}'),
    contract: contractSchema.parse(limits),
    contractHash: sha256('c'),
    evaluationHash: null,
    compiler: 'esbuild',
    parent,
    proposer,
    promptHash: null,
    reports: {},
    createdAt: '2026-11-21T00:00:00.000Z',
  };
  await artifactStore(database).put(
    {
      artifact: { hash, manifest, js: text, map: '{}', evaluationJs: null, sources },
      signature: { keyId: 'k'.repeat(32), value: 'f'.repeat(128) },
    },
    { note: '', principal: { kind: 'user', id: 'u' } },
  );
  SOURCES.set(hash, sources);
  return hash;
}

const git = (...args: string[]): string =>
  execFileSync('git', ['--git-dir', join(root, 'lineage.git'), ...args], { encoding: 'utf8' }).trim();

test('a lineage that is gone is made again with versions, refused candidates, prices and who approved them', async () => {
  const first = await keep('one', null, 'manual');
  const second = await keep('two', first, 'claude-code');
  const lost = await keep('three', second, 'manual');
  SOURCES.delete(lost);
  const id = uuidv7();
  const VAIN = candidateId(id, { 'agent.ts': 'vain' });
  const queued = { id, jobId: id, agent: 'packer', proposer: 'claude-code', trigger: 'manual', goal: '', budgetMs: 1_000 };
  const events: ImprovementEvent[] = [
    { type: 'improvement_queued', data: { ...queued, seed: 1, secretSeed: 2, baseHash: first, baseVersion: 1 } },
    { type: 'proposer_spent', data: { inputTokens: 1, outputTokens: 2, costMicroUsd: 1_200, promptHash: 'p1' } },
    { type: 'attempt_rejected', data: { reason: 'nothing was changed' } },
    { type: 'attempt_rejected', data: { id: VAIN, reason: 'no better', files: { 'agent.ts': 'vain' }, selection: 4.5, promptHash: 'p0' } },
    {
      type: 'candidates_proposed',
      data: {
        candidates: [
          { ...CANDIDATE, parent: VAIN },
          { ...CANDIDATE, files: { 'agent.ts': 'worse' } },
        ],
        evaluated: 2,
        searchMs: 1,
      },
    },
    { type: 'candidate_rejected', data: { index: 1, stage: 'contract_tests', reason: 'handle threw' } },
    { type: 'candidate_validated', data: { index: 0, report: REPORT } },
    { type: 'winner_chosen', data: { index: 0, selection: 3.8, report: REPORT } },
    { type: 'version_staged', data: { hash: second, version: 2 } },
    { type: 'approval_decided', data: { decision: 'approved', by: 'user/u1', note: '' } },
    { type: 'improvement_ended', data: { phase: 'live', reason: 'healthy' } },
  ];
  for (const [index, event] of events.entries())
    await appendImprovement(database, id, { event, expectedVersion: index, principal: { kind: 'user', id: 'u' } });

  const errors: unknown[] = [];
  const lineage = new Lineage({
    folder: join(root, 'lineage.git'),
    scratch: join(root, 'scratch'),
    searchPath: process.env['PATH'] ?? '',
    known: () =>
      knownCandidates({
        database,
        agents: () => ['packer'],
        sourcesOf: async (_agent, hash) => SOURCES.get(hash) ?? Promise.reject(new Error(`${hash} is lost`)),
        onError: (error) => void errors.push(error),
      }),
  });
  const commit = await lineage.commitOf(second);
  expect(git('log', '--format=%s', 'packer/live').split('\n')).toEqual([
    'packer v2: a smaller gap',
    'packer: a candidate',
    'packer v1',
    'packer: the beginning',
  ]);
  expect(git('ls-tree', '-r', '--name-only', 'packer/v2')).toBe('agent.ts');
  const log = await lineage.log('packer');
  expect(log.find((entry) => entry.commit === commit)?.note).toEqual({
    agent: 'packer',
    improvement: id,
    parent: first,
    madeFrom: VAIN,
    proposer: 'claude-code',
    promptHash: 'p1',
    costMicroUsd: 1_200,
    selection: 3.8,
    validation: 3.9,
    verdict: 'accepted',
    approver: 'user/u1',
    version: 2,
    hash: second,
  });
  const vain = log.find(({ note }) => note.promptHash === 'p0');
  expect(vain).toMatchObject({ parents: [await lineage.commitOf(first)], note: { parent: first, selection: 4.5, verdict: 'rejected' } });
  expect(await lineage.commitOfCandidate('packer', VAIN)).toBe(vain?.commit);
  const refused = log.find(({ note }) => note.verdict === 'rejected' && note.promptHash === 'p1');
  expect(refused).toMatchObject({ parents: [await lineage.commitOf(first)], note: { costMicroUsd: 1_200, parent: first } });
  expect(git('show', '-s', '--format=%b', refused?.commit ?? '')).toContain('Refused: contract_tests: handle threw');
  expect(git('show', `${refused?.commit ?? ''}:agent.ts`)).toBe('worse');
  expect(errors).toMatchObject([{ message: `${lost} is lost` }]);
  expect(await lineage.isSound()).toBe(true);
});
