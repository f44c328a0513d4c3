// Improvements: their streams, and the table that lists are read from.
import { appendToStream, readStream, type InlineProjection } from '#db/streams.ts';
import type { Database, Tx } from '#db/database.ts';
import type { RecordedEvent } from '#db/events.ts';
import type { ImprovementState } from '#db/tables/improvements.ts';
import type { ImprovementEvent } from '#improvement/events.ts';

export interface ImprovementRow {
  id: string;
  agent: string;
  state: ImprovementState;
  proposer: string;
  trigger: string;
  reason: string;
  baseVersion: number | null;
  version: number | null;
  hash: string | null;
  baseline: number | null;
  selection: number | null;
  validation: number | null;
  test: number | null;
  evaluated: number;
  swapUs: number | null;
  createdAt: Date;
  finishedAt: Date | null;
  /** The same for the same request; empty for those of before there were fingerprints. */
  fingerprint: string;
}

export function streamOf(id: string): string {
  return `improvement-${id}`;
}

/** @param expectedVersion of the stream before. @returns its version after */
export async function appendImprovement(
  scope: Database | Tx,
  id: string,
  append: { event: ImprovementEvent; expectedVersion: number; principal: { kind: string; id: string } },
): Promise<number> {
  const { event, expectedVersion, principal } = append;
  const { version } = await appendToStream<ImprovementEvent>(scope, streamOf(id), {
    events: [event],
    expectedVersion,
    principal,
    correlationId: id,
    inlineProjections: [project],
  });
  return version;
}

export async function readImprovement(
  database: Database,
  id: string,
  from = 1,
): Promise<{ version: number; events: readonly RecordedEvent<ImprovementEvent>[] }> {
  return readStream<ImprovementEvent>(database, streamOf(id), { from });
}

const project: InlineProjection<ImprovementEvent> = async (tx, events) => {
  for (const event of events) {
    // In the order of the events
    await projectOne(tx, event);
  }
};

async function projectOne(tx: Tx, event: RecordedEvent<ImprovementEvent>): Promise<void> {
  const id = event.stream.slice('improvement-'.length);
  if (event.type === 'improvement_queued') {
    const { data } = event;
    await tx
      .insertInto('improvements')
      .values({
        id,
        agent: data.agent,
        state: 'queued',
        proposer: data.proposer,
        trigger: data.trigger,
        base_hash: data.baseHash,
        base_version: data.baseVersion,
        principal_kind: event.meta.actor.kind,
        principal_id: event.meta.actor.id,
        created_at: event.at,
        fingerprint: data.fingerprint ?? '',
      })
      .execute();
    return;
  }
  if (event.type === 'proposer_spent') {
    const { agent } = await tx.selectFrom('improvements').select('agent').where('id', '=', id).executeTakeFirstOrThrow();
    await tx
      .insertInto('improvement_spending')
      .values({ improvement_id: id, event_version: event.version, agent, cost_micro_usd: event.data.costMicroUsd, at: event.at })
      .execute();
    return;
  }
  const change = changeBy(event);
  if (change === null) return;
  await tx.updateTable('improvements').set(change).where('id', '=', id).execute();
}

const STATE_OF_STAGE = {
  propose: 'generating',
  contract_tests: 'validating',
  validation: 'validating',
  test: 'validating',
  stage: 'staged',
  replay: 'staged',
  rehearsal: 'staged',
  approval: 'waiting',
  swap: 'promoting',
  observation: 'verifying',
} as const;

function changeBy(event: RecordedEvent<ImprovementEvent>) {
  switch (event.type) {
    case 'stage_started':
      return { state: STATE_OF_STAGE[event.data.stage] };
    case 'search_progressed':
      return { evaluated: event.data.evaluated };
    case 'candidates_proposed':
      return { evaluated: event.data.evaluated };
    case 'winner_chosen':
      return { selection: event.data.selection, validation: event.data.report.mean };
    case 'winner_tested':
      return { baseline: event.data.report.baseMean, test: event.data.report.mean };
    case 'version_staged':
      return { hash: event.data.hash, version: event.data.version };
    case 'version_promoted':
      return { swap_us: Math.round(event.data.swapUs) };
    case 'improvement_ended':
      return { state: event.data.phase, reason: event.data.reason, finished_at: event.at };
    default:
      return null;
  }
}

const COLUMNS = [
  'id',
  'agent',
  'state',
  'proposer',
  'trigger',
  'reason',
  'base_version',
  'version',
  'hash',
  'baseline',
  'selection',
  'validation',
  'test',
  'evaluated',
  'swap_us',
  'created_at',
  'finished_at',
  'fingerprint',
] as const;

export async function listImprovements(
  database: Database,
  narrow: { agent?: string | undefined; state?: ImprovementState | undefined; limit?: number },
): Promise<ImprovementRow[]> {
  let query = database.db.selectFrom('improvements').select(COLUMNS).orderBy('created_at', 'desc').orderBy('id', 'desc');
  if (narrow.agent !== undefined) query = query.where('agent', '=', narrow.agent);
  if (narrow.state !== undefined) query = query.where('state', '=', narrow.state);
  const rows = await query.limit(narrow.limit ?? 10_000).execute();
  return rows.map(toRow);
}

export async function getImprovement(database: Database, id: string): Promise<ImprovementRow | null> {
  const row = await database.db.selectFrom('improvements').select(COLUMNS).where('id', '=', id).executeTakeFirst();
  return row === undefined ? null : toRow(row);
}

interface Columns {
  id: string;
  agent: string;
  state: ImprovementState;
  proposer: string;
  trigger: string;
  reason: string;
  base_version: number | null;
  version: number | null;
  hash: string | null;
  baseline: number | null;
  selection: number | null;
  validation: number | null;
  test: number | null;
  evaluated: number;
  swap_us: number | null;
  created_at: Date;
  finished_at: Date | null;
  fingerprint: string;
}

function toRow({ base_version, swap_us, created_at, finished_at, ...row }: Columns): ImprovementRow {
  return { ...row, baseVersion: base_version, swapUs: swap_us, createdAt: created_at, finishedAt: finished_at };
}
