// A node that dies between any two events, and somebody who cancels at any of them.
import { expect, test } from 'vitest';
import type { ImprovementEvent } from './events.ts';
import { better, QUEUED, start } from './pipeline.fixture.ts';
import type { Proposer } from './proposer.ts';

/** Is paid once for an attempt in vain and once for one that is better. */
function paid(): { by: Proposer; asked: { runs: number; rejected: readonly string[] }[] } {
  const asked: { runs: number; rejected: readonly string[] }[] = [];
  const spent = { inputTokens: 10, outputTokens: 5, costMicroUsd: 500, promptHash: 'h' };
  const by: Proposer = {
    name: 'fixed',
    async *propose({ before }) {
      asked.push({ runs: before.runs, rejected: before.rejected });
      if (before.runs === 0) {
        yield { type: 'spent', spent };
        yield { type: 'rejected', reason: 'no better', files: { 'agent.ts': 'worse' }, score: 5 };
      }
      if (before.runs < 2) yield { type: 'spent', spent };
      yield { type: 'candidate', files: { 'agent.ts': 'better' }, score: 1, note: '' };
    },
  };
  return { by, asked };
}

const whole = start({ reported: [], scores: better, by: paid().by });
await whole.running;
const EVENTS: readonly ImprovementEvent[] = [QUEUED, ...whole.events];
const cuts = EVENTS.slice(0, -1).map((event, index) => ({ kept: index + 1, after: stageOf(event) ?? event.type }));

function stageOf(event: ImprovementEvent): string | undefined {
  return event.type === 'stage_started' || event.type === 'stage_finished' ? `${event.type} ${event.data.stage}` : undefined;
}
const finished = (events: readonly ImprovementEvent[]) =>
  events.flatMap((event) => (event.type === 'stage_finished' ? [event.data.stage] : []));

test.each(cuts)('dead after event $kept, $after: it comes to the same end, and what was finished is not begun again', async ({ kept }) => {
  const past = EVENTS.slice(0, kept);
  const { by, asked } = paid();
  const again = start({ reported: [], scores: better, by, past });
  const end = await again.running;
  expect(end).toMatchObject({ phase: 'live', winner: { index: 0 }, staged: { version: 2 }, promoted: { generation: 2 } });
  expect(end.candidates?.map(({ files }) => files)).toEqual([{ 'agent.ts': 'better' }]);
  expect(finished([...past, ...again.events])).toEqual(finished(EVENTS));
  // Whoever was paid and had answered is not asked again; whoever had only been paid is told so.
  const wasFound = past.some(({ type }) => type === 'candidate_found');
  expect(asked).toHaveLength(wasFound ? 0 : 1);
  expect(end.spent.costMicroUsd).toBe(1_000);
});

const beforeSwap = cuts.filter(({ kept }) => !EVENTS.slice(0, kept).some(({ type }) => type === 'version_promoted'));

test.each(beforeSwap.slice(1))('cancelled at event $kept, $after: nothing goes live', async ({ kept }) => {
  const controller = new AbortController();
  let written = 0;
  const onEvent = (): void => {
    written += 1;
    if (written === kept - 1) controller.abort('cancelled');
  };
  const { running, events } = start({ reported: [], scores: better, by: paid().by, signal: controller.signal, onEvent });
  expect(await running).toMatchObject({ phase: 'cancelled', promoted: null });
  expect(events.at(-1)).toEqual({ type: 'improvement_ended', data: { phase: 'cancelled', reason: 'cancelled' } });
});
