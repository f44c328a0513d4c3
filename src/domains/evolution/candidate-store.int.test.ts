import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '#db/database.ts';
import { testDatabase } from '#db/testing.ts';
import type { ImprovementEvent, PairedReport } from '#improvement/events.ts';
import { uuidv7 } from '#lib/id.ts';
import { triedImprovements } from './candidate-store.ts';
import { appendImprovement } from './store.ts';

let database: Database;
beforeAll(async () => (database = await testDatabase()));
afterAll(() => database.close());

const REPORT: PairedReport = { draws: 20, baseMean: 4, mean: 3.9, gain: 0.1, relativeGain: 0.025, wins: 18, losses: 2, p: 0.01 };
const candidate = (text: string) => ({ files: { 'agent.ts': text }, selection: 3.8, note: `wrote ${text}` });

async function improvement(agent: string, events: readonly ImprovementEvent[]): Promise<string> {
  const id = uuidv7();
  const queued: ImprovementEvent = {
    type: 'improvement_queued',
    data: {
      id,
      jobId: id,
      agent,
      proposer: 'genetic',
      trigger: 'manual',
      goal: '',
      budgetMs: 1_000,
      seed: 1,
      secretSeed: 2,
      baseHash: 'a1',
      baseVersion: 1,
    },
  };
  for (const [index, event] of [queued, ...events].entries())
    await appendImprovement(database, id, { event, expectedVersion: index, principal: { kind: 'user', id: 'u1' } });
  return id;
}

const PROGRESS: ImprovementEvent = {
  type: 'search_progressed',
  data: { generation: 1, evaluated: 2, perSecond: 3, best: 4, baseline: 5, elapsedMs: 6 },
};

test('candidates come back with what was decided about them, their files only if they are asked for', async () => {
  const id = await improvement('packer', [
    PROGRESS,
    { type: 'candidates_proposed', data: { candidates: [candidate('one'), candidate('two')], evaluated: 9, searchMs: 1 } },
    { type: 'candidate_rejected', data: { index: 0, stage: 'contract_tests', reason: 'handle threw' } },
    { type: 'candidate_validated', data: { index: 1, report: REPORT } },
    { type: 'winner_chosen', data: { index: 1, selection: 3.8, report: REPORT } },
  ]);
  const [tried] = await triedImprovements(database, 'packer', { limit: 10, files: false });
  expect(tried).toMatchObject({ id, state: { queued: { baseHash: 'a1' }, winner: { index: 1 }, progress: [] } });
  expect(tried?.proposedAt).toBeInstanceOf(Date);
  expect(tried?.state.candidates).toEqual([
    { ...candidate('one'), files: {} },
    { ...candidate('two'), files: {} },
  ]);
  expect([...(tried?.state.rejected ?? [])]).toEqual([[0, 'contract_tests: handle threw']]);
  const [whole] = await triedImprovements(database, 'packer', { limit: 10, files: true });
  expect(whole?.state.candidates?.map(({ files }) => files)).toEqual([{ 'agent.ts': 'one' }, { 'agent.ts': 'two' }]);
});

test('the newest ones, the oldest of them first; a search that found nothing has no candidates', async () => {
  const empty: ImprovementEvent = { type: 'candidates_proposed', data: { candidates: [], evaluated: 0, searchMs: 1 } };
  const ids: string[] = [];
  for (let n = 0; n < 3; n += 1) ids.push(await improvement('extract', [empty]));
  const tried = await triedImprovements(database, 'extract', { limit: 2, files: false });
  expect(tried.map(({ id }) => id)).toEqual(ids.slice(1));
  expect(tried[0]?.state.candidates).toEqual([]);
  expect(await triedImprovements(database, 'extract', { limit: 0, files: false })).toEqual([]);
});
