// Agents, what should be live, and what was: the SQL of this context but for calls and states, which have their own files.
import { sql, type RawBuilder, type Selectable } from 'kysely';
import { toJson } from '#db/columns.ts';
import { queriesOf, type Database, type Scope } from '#db/database.ts';
import type { Verdict } from '#db/tables/runtime.ts';
import type { Tables } from '#db/tables.ts';
import { SeedError } from '#lib/error.ts';
import { uuidv7 } from '#lib/id.ts';
import { jsHashOf } from './quarantine-store.ts';
import type { DesiredChange, DesiredRow, DesiredState, SwapNote } from '#kernel/rollout/desired-state.ts';

export interface AgentRow {
  name: string;
  type: string;
  summary: string;
  desired: 'running' | 'stopped';
  source: 'folder' | 'upload';
  config: Record<string, unknown>;
  metrics: Record<string, unknown>;
  createdAt: Date;
  updatedAt: Date;
}

export interface NewAgent {
  name: string;
  type: string;
  summary: string;
  source: 'folder' | 'upload';
  owner: { kind: string; id: string };
}

export interface VersionRow {
  agent: string;
  number: number;
  hash: string;
  parent: string | null;
  proposer: string;
  note: string;
  principalKind: string;
  principalId: string;
  verdict: Verdict;
  verdictReason: string;
  liveAt: Date | null;
  createdAt: Date;
  sizeBytes: number;
}

const AGENT_COLUMNS = ['name', 'type', 'summary', 'desired', 'source', 'config', 'metrics', 'created_at', 'updated_at'] as const;

export async function insertAgent(database: Database, agent: NewAgent): Promise<boolean> {
  const result = await database.db
    .insertInto('agents')
    .values({
      name: agent.name,
      type: agent.type,
      summary: agent.summary,
      source: agent.source,
      owner_kind: agent.owner.kind,
      owner_id: agent.owner.id,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}

/** Takes back an agent that never had a version: its name is free again. */
export async function deleteUnborn(database: Database, name: string): Promise<void> {
  await database.db
    .deleteFrom('agents')
    .where('name', '=', name)
    .where(({ not, exists, selectFrom }) => not(exists(selectFrom('versions').select('number').where('agent', '=', name))))
    .execute();
}

export async function listAgents(database: Database): Promise<AgentRow[]> {
  const rows = await database.db.selectFrom('agents').select(AGENT_COLUMNS).orderBy('name').execute();
  return rows.map(({ created_at, updated_at, ...row }) => ({ ...row, createdAt: created_at, updatedAt: updated_at }));
}

/** @throws SeedError `not_found` */
export async function getAgent(database: Database, name: string): Promise<AgentRow> {
  const row = await database.db.selectFrom('agents').select(AGENT_COLUMNS).where('name', '=', name).executeTakeFirst();
  if (row === undefined) throw new SeedError('not_found', `there is no agent ${JSON.stringify(name)}`);
  const { created_at, updated_at, ...rest } = row;
  return { ...rest, createdAt: created_at, updatedAt: updated_at };
}

export async function updateAgent(
  database: Database,
  name: string,
  change: { desired?: 'running' | 'stopped'; summary?: string; config?: Record<string, unknown> },
): Promise<void> {
  await database.db
    .updateTable('agents')
    .set({
      updated_at: sql`now()`,
      ...(change.desired === undefined ? {} : { desired: change.desired }),
      ...(change.summary === undefined ? {} : { summary: change.summary }),
      ...(change.config === undefined ? {} : { config: toJson(change.config) }),
    })
    .where('name', '=', name)
    .execute();
}

/** Of what is kept with an agent for others; its own data is its state. */
const MAX_KEPT_BYTES = 65_536;

/** @throws SeedError `payload_too_large` */
export function checkKept(what: string, kept: Record<string, unknown>): void {
  if (Buffer.byteLength(JSON.stringify(kept)) <= MAX_KEPT_BYTES) return;
  throw new SeedError('payload_too_large', `${what} would have more than ${MAX_KEPT_BYTES} bytes of JSON`);
}

/**
 * Merged in one transaction, so that of two who merge at the same time both are there. null takes a member out (RFC 7396, one level).
 * @returns what is kept after it; with `dryRun` what would be
 * @throws SeedError `not_found`, `payload_too_large`
 */
export async function mergeKept(
  database: Database,
  name: string,
  merge: { column: 'config' | 'metrics'; patch: Record<string, unknown>; dryRun: boolean },
): Promise<Record<string, unknown>> {
  const { column, patch, dryRun } = merge;
  return database.transaction(async (tx) => {
    const row = await tx.selectFrom('agents').select(column).where('name', '=', name).forUpdate().executeTakeFirst();
    if (row === undefined) throw new SeedError('not_found', `there is no agent ${JSON.stringify(name)}`);
    const present = row as Partial<Record<typeof column, Record<string, unknown>>>;
    const merged = Object.fromEntries(Object.entries({ ...present[column], ...patch }).filter(([, value]) => value !== null));
    checkKept(`the ${column} of ${name}`, merged);
    if (dryRun) return merged;
    await tx
      .updateTable('agents')
      .set({ updated_at: sql`now()`, [column]: toJson(merged) })
      .where('name', '=', name)
      .execute();
    return merged;
  });
}

export async function listVersions(database: Database, agent: string): Promise<VersionRow[]> {
  const rows = await database.db
    .selectFrom('versions')
    .innerJoin('artifacts', 'artifacts.hash', 'versions.hash')
    .selectAll('versions')
    .select('artifacts.size_bytes')
    .where('versions.agent', '=', agent)
    .orderBy('versions.number')
    .execute();
  return rows.map(toVersion);
}

/** Whether an agent has a version with exactly these sources. */
export async function sourcesKnown(database: Database, agent: string, sourcesHash: string): Promise<boolean> {
  const row = await database.db
    .selectFrom('versions')
    .innerJoin('artifacts', 'artifacts.hash', 'versions.hash')
    .select('versions.number')
    .where('versions.agent', '=', agent)
    .where('artifacts.sources_hash', '=', sourcesHash)
    .executeTakeFirst();
  return row !== undefined;
}

export async function setVerdict(
  scope: Scope,
  version: { agent: string; hash: string },
  verdict: { verdict: Verdict; reason: string; live?: boolean },
): Promise<void> {
  await queriesOf(scope)
    .updateTable('versions')
    .set({
      verdict: verdict.verdict,
      verdict_reason: verdict.reason,
      ...(verdict.live === true ? { live_at: sql`now()` } : {}),
    })
    .where('agent', '=', version.agent)
    .where('hash', '=', version.hash)
    .execute();
}

export async function getVerdict(
  database: Database,
  agent: string,
  hash: string,
): Promise<{ number: number; verdict: Verdict; reason: string } | null> {
  const row = await database.db
    .selectFrom('versions')
    .select(['number', 'verdict', 'verdict_reason'])
    .where('agent', '=', agent)
    .where('hash', '=', hash)
    .executeTakeFirst();
  return row === undefined ? null : { number: row.number, verdict: row.verdict, reason: row.verdict_reason };
}

/** Closes the swaps of an agent that are still being observed. */
export async function settleSwaps(
  scope: Scope,
  agent: string,
  settled: { verdict: Verdict; analysis: unknown; toHash?: string },
): Promise<void> {
  let query = queriesOf(scope)
    .updateTable('swaps')
    .set({ verdict: settled.verdict, analysis: toJson(settled.analysis) })
    .where('agent', '=', agent)
    .where('verdict', '=', 'observing');
  if (settled.toHash !== undefined) query = query.where('to_hash', '=', settled.toHash);
  await query.execute();
}

interface DesiredColumns {
  agent: string;
  generation: number;
  stable: string | null;
  canary: string | null;
  weight: number;
  previous: string | null;
  phase: 'idle' | 'observing';
  deadline: Date | null;
  reason: string;
}

function toDesired({ deadline, ...row }: DesiredColumns): DesiredRow {
  return { ...row, deadlineMs: deadline === null ? null : deadline.getTime() };
}

/** The kernel's DesiredState in the database. */
export function desiredState(database: Database): DesiredState {
  const columns = ['agent', 'generation', 'stable', 'canary', 'weight', 'previous', 'phase', 'deadline', 'reason'] as const;
  return {
    async get(agent) {
      const row = await database.db.selectFrom('desired_state').select(columns).where('agent', '=', agent).executeTakeFirst();
      return row === undefined ? null : toDesired(row);
    },
    async list() {
      const rows = await database.db.selectFrom('desired_state').select(columns).orderBy('agent').execute();
      return rows.map(toDesired);
    },
    async compareAndSet(agent, expectedGeneration, change, swap) {
      const changed = changeOf(agent, expectedGeneration, change);
      const query = swap === undefined ? changed : withSwap(changed, { agent, reason: change.reason, swap });
      const { rows } = await query.execute(database.db);
      const [row] = rows;
      if (row !== undefined) return { agent, generation: row.generation, ...change };
      throw new SeedError('conflict', `what should be live of ${agent} was changed by somebody else`, {
        hint: 'look at it again, then decide',
      });
    },
  };
}

type Changed = RawBuilder<{ generation: number }>;

function changeOf(agent: string, expectedGeneration: number, change: DesiredChange): Changed {
  const { stable, canary, weight, previous, phase, reason } = change;
  const deadline = change.deadlineMs === null ? null : new Date(change.deadlineMs);
  return expectedGeneration === 0
    ? sql`
    INSERT INTO desired_state (agent, generation, stable, canary, weight, previous, phase, deadline, reason)
    VALUES (${agent}, 1, ${stable}, ${canary}, ${weight}, ${previous}, ${phase}, ${deadline}, ${reason})
    ON CONFLICT DO NOTHING RETURNING generation`
    : sql`
    UPDATE desired_state SET generation = generation + 1, stable = ${stable}, canary = ${canary}, weight = ${weight},
      previous = ${previous}, phase = ${phase}, deadline = ${deadline}, reason = ${reason}, updated_at = now()
    WHERE agent = ${agent} AND generation = ${expectedGeneration} RETURNING generation`;
}

/**
 * One statement, so that nothing goes live without a word and a swap waits once: whatever was still observed is superseded, a
 * version that was promoted is live, one that was rolled back says so.
 */
function withSwap(changed: Changed, { agent, reason, swap }: { agent: string; reason: string; swap: SwapNote }): Changed {
  const { kind, fromHash, toHash, observing, principal, preparedUs, releases } = swap;
  const verdict: Verdict = kind === 'promote' && observing ? 'observing' : 'unverified';
  const note = observing ? '' : 'the first version: there was nothing to compare it with';
  return sql`
    WITH changed AS (${changed}), superseded AS (
      UPDATE versions SET verdict = 'superseded', verdict_reason = 'another version went live while it was observed' FROM changed
      WHERE agent = ${agent} AND verdict = 'observing' AND hash <> ${toHash} AND (${kind} = 'promote' OR hash IS DISTINCT FROM ${fromHash})
    ), settled AS (
      UPDATE swaps SET verdict = 'superseded' FROM changed WHERE agent = ${agent} AND verdict = 'observing'
    ), promoted AS (
      UPDATE versions SET verdict = ${verdict}, verdict_reason = ${note}, live_at = now() FROM changed
      WHERE agent = ${agent} AND hash = ${toHash} AND ${kind} = 'promote'
    ), rolled_back AS (
      UPDATE versions SET verdict = 'rolled_back', verdict_reason = ${reason} FROM changed
      WHERE agent = ${agent} AND hash = ${fromHash} AND ${kind} = 'rollback'
    ), released AS (
      UPDATE quarantines SET released_at = now(), release_kind = ${principal.kind}, release_id = ${principal.id}, release_reason = ${reason}
      FROM changed WHERE ${releases}::boolean AND agent = ${agent} AND released_at IS NULL
        AND (hash = ${toHash} OR js_hash = ${jsHashOf(toHash)})
    ), noted AS (
      INSERT INTO swaps (id, agent, generation, from_hash, to_hash, kind, reason, principal_kind, principal_id, duration_us, verdict)
      SELECT ${uuidv7()}::uuid, ${agent}, generation, ${fromHash}, ${toHash}, ${kind}, ${reason}, ${principal.kind}, ${principal.id},
        ${Math.round(preparedUs)}::bigint, ${verdict} FROM changed
    )
    SELECT generation FROM changed`;
}

function toVersion(row: Selectable<Tables['versions']> & { size_bytes: number }): VersionRow {
  return {
    agent: row.agent,
    number: row.number,
    hash: row.hash,
    parent: row.parent,
    proposer: row.proposer,
    note: row.note,
    principalKind: row.principal_kind,
    principalId: row.principal_id,
    verdict: row.verdict,
    verdictReason: row.verdict_reason,
    liveAt: row.live_at,
    createdAt: row.created_at,
    sizeBytes: row.size_bytes,
  };
}
