// Handlers of improvements:* and agents:improve.
import { parseDuration } from '#lib/duration.ts';
import { SeedError } from '#lib/error.ts';
import { describe, taskWords, type TaskReport } from '#improvement/events.ts';
import { evolve, hasEnded, initialImprovement, type Improvement } from '#improvement/improvement.ts';
import type { ImprovementState } from '#db/tables/improvements.ts';
import type { Answer, Decision } from '../approvals/index.ts';
import type { OperationContext, PageInput } from '#operation/operation.ts';
import { pageOf } from '../operation.ts';
import type { NodePorts } from '../ports.ts';
import { currentPause } from './pause-store.ts';
import { getImprovement, listImprovements, readImprovement, type ImprovementRow } from './store.ts';

type Context = OperationContext<NodePorts>;

const MIN_BUDGET_MS = 1_000;
const MAX_BUDGET_MS = 24 * 3_600_000;

function item(row: ImprovementRow, { nowMs, isPaused }: { nowMs: number; isPaused: boolean }) {
  const { createdAt, finishedAt, swapUs, hash: _hash, ...rest } = row;
  return {
    ...rest,
    paused: isPaused && finishedAt === null,
    swapMs: swapUs === null ? null : swapUs / 1000,
    createdAt: createdAt.toISOString(),
    finishedAt: finishedAt?.toISOString() ?? null,
    // The request may have come before it was created.
    durationMs: Math.max(0, (finishedAt?.getTime() ?? nowMs) - createdAt.getTime()),
  };
}

async function shown(row: ImprovementRow, { ports, nowMs }: Context) {
  return item(row, { nowMs, isPaused: (await currentPause(ports.database)) !== null });
}

async function row(id: string, { ports }: Context): Promise<ImprovementRow> {
  const found = await getImprovement(ports.database, id);
  if (found === null)
    throw new SeedError('not_found', `there is no improvement ${id}`, { hint: 'seed improvements:list shows all of them' });
  return found;
}

export async function improve(input: { agent: string; proposer?: string; budget: string; goal?: string; seed?: number }, context: Context) {
  const { ports, principal } = context;
  await ports.agents.get(input.agent);
  const budgetMs = parseDuration(input.budget);
  if (budgetMs < MIN_BUDGET_MS || budgetMs > MAX_BUDGET_MS) {
    throw new SeedError('invalid_input', `a budget of ${input.budget} is not between 1s and 24h`, {
      details: [{ path: 'budget', message: 'between 1s and 24h' }],
    });
  }
  const id = await ports.improvements.enqueue({
    agent: input.agent,
    budgetMs,
    trigger: 'manual',
    goal: input.goal ?? '',
    principal: { kind: principal.kind, id: principal.id },
    ...(input.proposer === undefined ? {} : { proposer: input.proposer }),
    ...(input.seed === undefined ? {} : { seed: input.seed }),
  });
  return shown(await row(id, context), context);
}

export async function list(input: PageInput & { agent?: string; state?: ImprovementState }, context: Context) {
  const { ports, nowMs } = context;
  const rows = await listImprovements(ports.database, { agent: input.agent, state: input.state });
  const isPaused = (await currentPause(ports.database)) !== null;
  return pageOf(
    rows.map((one) => item(one, { nowMs, isPaused })),
    input,
    context,
  );
}

export async function get(input: { id: string }, context: Context) {
  const found = await row(input.id, context);
  const { events } = await readImprovement(context.ports.database, input.id);
  const state = events.reduce<Improvement>(evolve, initialImprovement);
  return {
    ...(await shown(found, context)),
    budgetMs: state.queued?.budgetMs ?? 0,
    goal: state.queued?.goal ?? '',
    seed: state.queued?.seed ?? 0,
    spent: state.spent,
    attempts: state.attempts.map(({ reason }) => reason),
    stages: state.stages,
    reported: state.reported.map(shownTask),
    candidates: (state.candidates ?? []).map((candidate, index) => ({
      ...candidate,
      rejected: state.rejected.get(index) ?? null,
      validation: state.validated.get(index) ?? null,
      winner: state.winner?.index === index,
    })),
    progress: state.progress,
  };
}

export async function cancel(input: { id: string; reason: string }, context: Context) {
  const { ports, principal } = context;
  await row(input.id, context);
  await ports.improvements.cancel(input.id, { reason: input.reason, principal: { kind: principal.kind, id: principal.id } });
  return shown(await row(input.id, context), context);
}

export function approve(input: { id: string; note: string }, context: Context) {
  return decide(input, context, (decision) => ({ kind: 'approve', decision, modifiedPayload: null }));
}

export function reject(input: { id: string; note: string }, context: Context) {
  return decide(input, context, (decision) => ({ kind: 'deny', decision }));
}

async function decide(input: { id: string; note: string }, context: Context, answer: (decision: Decision) => Answer) {
  const { ports, principal } = context;
  const found = await row(input.id, context);
  const { events } = await readImprovement(ports.database, input.id);
  const { approvalId } = events.reduce<Improvement>(evolve, initialImprovement);
  if (found.state !== 'waiting' || approvalId === null)
    throw new SeedError('invalid_state', `improvement ${input.id} does not wait for an approval: it is ${found.state.replace('_', ' ')}`);
  const by = { kind: principal.kind, id: principal.id };
  await ports.approvals.decide(approvalId, answer({ by, note: input.note, ruleId: null }));
  return shown(await row(input.id, context), context);
}

/** Before a stream of it begins. @throws SeedError `not_found` */
export async function isThere(input: { id: string }, context: Context): Promise<boolean> {
  await row(input.id, context);
  return true;
}

/** The events so far, then new ones as they are written, until the improvement has ended. */
export async function* watch(input: { id: string }, context: Context) {
  const { ports, signal, lastEventId } = context;
  let seen = lastEventId !== undefined && /^\d+$/.test(lastEventId) ? Number(lastEventId) : 0;
  let state = initialImprovement;
  let folded = 0;
  for await (const events of ports.improvements.follow(input.id, signal)) {
    for (const event of events) {
      if (event.version > folded) {
        state = evolve(state, event);
        folded = event.version;
      }
      if (event.version <= seen) continue;
      seen = event.version;
      yield {
        sequence: event.version,
        type: event.type,
        at: event.at.toISOString(),
        message: describe(event),
        data: publicData(event),
        ...progressOf(event, state),
        ...(event.type === 'improvement_ended' ? endOf(state) : {}),
      };
    }
    if (hasEnded(state)) return;
  }
}

/** What no proposer may learn is not shown either: the draws of validation and test follow from it. */
function publicData(event: { type: string; data: unknown }): unknown {
  if (event.type !== 'improvement_queued') return event.data;
  const { secretSeed: _secret, ...rest } = event.data as { secretSeed: number };
  return rest;
}

function progressOf(event: { type: string; data: unknown }, state: Improvement): { progress?: number } {
  if (event.type !== 'search_progressed' || state.queued === null) return {};
  return { progress: Math.min(1, (event.data as { elapsedMs: number }).elapsedMs / state.queued.budgetMs) };
}

/** Scores as they are quoted: the test set's, beside what the search saw and what decided. */
function endOf(state: Improvement) {
  const selection = state.winner === null ? null : (state.candidates?.[state.winner.index]?.selection ?? null);
  const summary = {
    outcome: state.phase,
    baseline: rounded(state.tested?.baseMean),
    selection: rounded(selection),
    validation: rounded(state.winner?.report.mean),
    test: rounded(state.tested?.mean),
    also: state.reported.length === 0 ? null : state.reported.map(taskWords).join('; '),
    version: state.promoted === null ? (state.queued?.baseVersion ?? null) : (state.staged?.version ?? null),
    swapMs: rounded(state.promoted === null ? null : state.promoted.swapUs / 1000),
  };
  return { summary, ...(state.phase === 'failed' ? { error: { code: 'validation_failed', message: state.reason } } : {}) };
}

function shownTask(task: TaskReport) {
  if ('failed' in task) return { task: task.task, baseline: null, score: null, failed: task.failed, report: null };
  return { task: task.task, baseline: task.report.baseMean, score: task.report.mean, failed: null, report: task.report };
}

function rounded(value: number | null | undefined): number | null {
  return value === null || value === undefined ? null : Math.round(value * 1000) / 1000;
}
