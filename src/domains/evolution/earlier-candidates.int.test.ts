import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '#db/database.ts';
import { testDatabase } from '#db/testing.ts';
import type { BaseVersion } from '#improvement/base-version.ts';
import type { ImprovementEvent, PairedReport } from '#improvement/events.ts';
import type { ContractData } from '#kernel/compiler/contract.ts';
import { uuidv7 } from '#lib/id.ts';
import { insertAgent } from '../runtime/store.ts';
import { earlierCandidates } from './earlier-candidates.ts';
import { appendImprovement } from './store.ts';

let database: Database;
beforeAll(async () => {
  database = await testDatabase();
  await insertAgent(database, { name: 'packer', type: 'worker', summary: '', source: 'upload', owner: { kind: 'node', id: 'n' } });
});
afterAll(() => database.close());

const version = (hash: string, sources: BaseVersion['sources']): BaseVersion => ({ hash, sources, contract: {} as ContractData });
const REPORT: PairedReport = { draws: 20, baseMean: 4, mean: 3, gain: 1, relativeGain: 0.25, wins: 20, losses: 0, p: 0.001 };
const OLD = version('v1', { 'agent.ts': 'one', 'contract.ts': 'old', 'evals/evaluation.ts': 'x' });
const LIVE = version('v2', { 'agent.ts': 'two', 'helper.ts': 'h', 'contract.ts': 'new', 'evals/evaluation.ts': 'y' });
const load = (hash: string): Promise<BaseVersion> =>
  hash === OLD.hash ? Promise.resolve(OLD) : hash === LIVE.hash ? Promise.resolve(LIVE) : Promise.reject(new Error('lost'));

async function improvement(baseHash: string, events: readonly ImprovementEvent[]): Promise<string> {
  const id = uuidv7();
  const queued = { id, jobId: id, agent: 'packer', proposer: 'claude-code', trigger: 'manual', goal: '', budgetMs: 1_000 };
  const all: ImprovementEvent[] = [
    { type: 'improvement_queued', data: { ...queued, seed: 1, secretSeed: 2, baseHash, baseVersion: 1 } },
    ...events,
  ];
  for (const [index, event] of all.entries())
    await appendImprovement(database, id, { event, expectedVersion: index, principal: { kind: 'user', id: 'u' } });
  return id;
}

const vain = (id: string, files: Record<string, string>, parent?: string): ImprovementEvent => ({
  type: 'attempt_rejected',
  data: { reason: 'no better', id, files, ...(parent === undefined ? {} : { parent }) },
});

test('what was made of other versions is told as it differs from the live one, each set of files once', async () => {
  const found = { files: { 'agent.ts': 'two' }, selection: 1, note: '', id: 'a/live' };
  await improvement('v1', [
    vain('a/1', { 'agent.ts': 'three' }),
    { type: 'attempt_rejected', data: { reason: 'nothing was changed' } },
    { type: 'candidates_proposed', data: { candidates: [found], evaluated: 1, searchMs: 1 } },
  ]);
  await improvement('v1', [
    { type: 'candidates_proposed', data: { candidates: [{ ...found, files: { 'agent.ts': 'denied' } }], evaluated: 1, searchMs: 1 } },
    { type: 'winner_chosen', data: { index: 0, selection: 1, report: REPORT } },
    { type: 'improvement_ended', data: { phase: 'rejected', reason: 'denied by user/ada' } },
  ]);
  await improvement('gone', [vain('b/1', { 'agent.ts': 'lost' })]);
  await improvement('v2', [vain('c/1', { 'agent.ts': 'three' }, 'a/1'), vain('c/2', { 'extra.ts': 'e', 'agent.ts': 'four' })]);
  const asking = await improvement('v2', [vain('d/1', { 'agent.ts': 'its own' })]);
  expect(await earlierCandidates({ database, agent: 'packer', base: LIVE, except: asking, load })).toEqual([
    { id: 'c/1', parent: 'a/1', files: { 'agent.ts': 'three' } },
    { id: 'c/2', parent: null, files: { 'extra.ts': 'e', 'agent.ts': 'four' } },
  ]);
});
