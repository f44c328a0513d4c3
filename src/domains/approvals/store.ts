// Approval items: their streams, and the table that lists are read from.
import { sql } from 'kysely';
import { handleCommand } from '#db/aggregates.ts';
import { toJson } from '#db/columns.ts';
import type { Database, Tx } from '#db/database.ts';
import type { RecordedEvent } from '#db/events.ts';
import type { InlineProjection } from '#db/streams.ts';
import {
  evolve,
  NO_ITEM,
  PRIORITIES,
  type ApprovalEvent,
  type ApprovalSource,
  type ApprovalType,
  type Item,
  type ItemState,
  type Priority,
  type RiskLevel,
  type TimeoutAction,
  type Who,
} from './item.ts';

export interface ItemRow {
  id: string;
  approvalType: ApprovalType;
  state: ItemState;
  decision: 'approved' | 'denied' | null;
  priority: Priority;
  title: string;
  description: string;
  payload: Readonly<Record<string, unknown>>;
  modifiedPayload: Readonly<Record<string, unknown>> | null;
  context: Readonly<Record<string, unknown>>;
  sourceType: ApprovalSource;
  sourceId: string | null;
  sessionId: string | null;
  workflowId: string | null;
  riskLevel: RiskLevel;
  riskFactors: readonly string[];
  owner: Who;
  decidedBy: Who | null;
  decidedAt: Date | null;
  note: string;
  ruleId: string | null;
  timeoutAction: TimeoutAction;
  escalated: boolean;
  expiresAt: Date | null;
  createdAt: Date;
}

export interface SourceDecision {
  sourceId: string;
  decision: 'approved' | 'denied';
  /** `user/u1`, `rule/its name`, or `time` */
  by: string;
}

const AGGREGATE = { initialState: () => NO_ITEM, evolve: (item: Item, event: RecordedEvent<ApprovalEvent>) => evolve(item, event) };

export function streamOf(id: string): string {
  return `approval-${id}`;
}

/** Decides on the item as it is now, and writes what follows. @throws SeedError what `decide` throws */
export async function changeItem(
  scope: Database | Tx,
  id: string,
  command: { principal: Who; decide: (item: Item) => ApprovalEvent | null },
): Promise<Item> {
  const { events, state } = await handleCommand<Item, ApprovalEvent>(scope, streamOf(id), {
    aggregate: AGGREGATE,
    principal: command.principal,
    correlationId: id,
    inlineProjections: [project],
    decide: (item) => {
      const event = command.decide(item);
      return event === null ? [] : [event];
    },
  });
  return events.reduce<Item>((item, event) => evolve(item, event), state);
}

const project: InlineProjection<ApprovalEvent> = async (tx, events) => {
  for (const event of events) {
    // In the order of the events.
    await projectOne(tx, event);
  }
};

async function projectOne(tx: Tx, event: RecordedEvent<ApprovalEvent>): Promise<void> {
  const id = event.stream.slice('approval-'.length);
  if (event.type === 'approval_opened') {
    const { data } = event;
    await tx
      .insertInto('approval_items')
      .values({
        id,
        approval_type: data.approvalType,
        state: 'pending',
        priority: PRIORITIES.indexOf(data.priority),
        title: data.title,
        description: data.description,
        payload: toJson(data.payload),
        context: toJson(data.context),
        source_type: data.sourceType,
        source_id: data.sourceId,
        session_id: data.sessionId,
        workflow_id: data.workflowId,
        risk_level: data.riskLevel,
        risk_factors: toJson(data.riskFactors),
        owner_kind: data.owner.kind,
        owner_id: data.owner.id,
        timeout_action: data.timeoutAction,
        expires_at: data.expiresAt === null ? null : new Date(data.expiresAt),
        created_at: event.at,
      })
      .execute();
    return;
  }
  await tx.updateTable('approval_items').set(changeBy(event)).where('id', '=', id).execute();
}

function changeBy(event: Exclude<RecordedEvent<ApprovalEvent>, { type: 'approval_opened' }>) {
  switch (event.type) {
    case 'approval_approved': {
      const { by, note, ruleId, modifiedPayload } = event.data;
      return {
        state: ruleId === null ? 'approved' : 'auto_approved',
        decision: 'approved',
        ...decidedBy(by, event.at),
        note,
        rule_id: ruleId,
        modified_payload: modifiedPayload === null ? null : toJson(modifiedPayload),
      };
    }
    case 'approval_denied': {
      const { by, note, ruleId } = event.data;
      return { state: 'denied', decision: 'denied', ...decidedBy(by, event.at), note, rule_id: ruleId };
    }
    case 'approval_expired':
      return { state: 'expired', decision: event.data.decision, ...decidedBy(event.meta.actor, event.at), note: 'nobody answered in time' };
    case 'approval_escalated':
      return { priority: PRIORITIES.indexOf(event.data.priority), expires_at: new Date(event.data.expiresAt), escalated: true };
  }
}

function decidedBy(who: Who, at: Date) {
  return { decided_kind: who.kind, decided_id: who.id, decided_at: at };
}

export interface ItemFilter {
  state?: ItemState | undefined;
  sessionId?: string | undefined;
  approvalType?: ApprovalType | undefined;
  /** Only theirs. */
  owner?: Who | undefined;
}

/** By priority, then age. */
export async function listItems(database: Database, filter: ItemFilter): Promise<ItemRow[]> {
  let query = database.db.selectFrom('approval_items').selectAll().orderBy('priority', 'desc').orderBy('created_at').orderBy('id');
  if (filter.state !== undefined) query = query.where('state', '=', filter.state);
  if (filter.sessionId !== undefined) query = query.where('session_id', '=', filter.sessionId);
  if (filter.approvalType !== undefined) query = query.where('approval_type', '=', filter.approvalType);
  if (filter.owner !== undefined) query = query.where('owner_kind', '=', filter.owner.kind).where('owner_id', '=', filter.owner.id);
  return (await query.limit(10_000).execute()).map(toItem);
}

export async function countPending(database: Database, owner?: Who): Promise<number> {
  let query = database.db
    .selectFrom('approval_items')
    .select(sql<number>`count(*)::int`.as('pending'))
    .where('state', '=', 'pending');
  if (owner !== undefined) query = query.where('owner_kind', '=', owner.kind).where('owner_id', '=', owner.id);
  return (await query.executeTakeFirst())?.pending ?? 0;
}

export async function getItem(scope: Database, id: string): Promise<ItemRow | null> {
  const row = await scope.db.selectFrom('approval_items').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? null : toItem(row);
}

/** What was decided about these sources, the last word on each. */
export async function decisionsOn(database: Database, sourceType: ApprovalSource, sourceIds: readonly string[]): Promise<SourceDecision[]> {
  if (sourceIds.length === 0) return [];
  const rows = await database.db
    .selectFrom('approval_items as i')
    .leftJoin('approval_rules as r', 'r.id', 'i.rule_id')
    .distinctOn('i.source_id')
    .select(['i.source_id', 'i.state', 'i.decision', 'i.decided_kind', 'i.decided_id', 'i.rule_id', 'r.name as rule_name'])
    .where('i.source_type', '=', sourceType)
    .where('i.source_id', 'in', sourceIds)
    .where('i.decision', 'is not', null)
    .orderBy('i.source_id')
    .orderBy('i.decided_at', 'desc')
    .execute();
  return rows.map(({ source_id, decision, state, decided_kind, decided_id, rule_id, rule_name }) => ({
    sourceId: source_id ?? '',
    decision: decision === 'approved' ? 'approved' : 'denied',
    by: state === 'expired' ? 'time' : rule_id === null ? `${decided_kind ?? ''}/${decided_id ?? ''}` : `rule/${rule_name ?? rule_id}`,
  }));
}

/** Pending ones whose time is over, on the database's clock. */
export async function dueItems(database: Database): Promise<{ ids: readonly string[]; nowMs: number }> {
  const rows = await database.db
    .selectFrom('approval_items')
    .select(['id', sql<Date>`now()`.as('now')])
    .where('state', '=', 'pending')
    .where('expires_at', '<=', sql<Date>`now()`)
    .orderBy('expires_at')
    .limit(100)
    .execute();
  return { ids: rows.map(({ id }) => id), nowMs: rows[0]?.now.getTime() ?? 0 };
}

interface Columns {
  id: string;
  approval_type: string;
  state: string;
  decision: string | null;
  priority: number;
  title: string;
  description: string;
  payload: Record<string, unknown>;
  modified_payload: Record<string, unknown> | null;
  context: Record<string, unknown>;
  source_type: string;
  source_id: string | null;
  session_id: string | null;
  workflow_id: string | null;
  risk_level: string;
  risk_factors: string[];
  owner_kind: string;
  owner_id: string;
  decided_kind: string | null;
  decided_id: string | null;
  decided_at: Date | null;
  note: string;
  rule_id: string | null;
  timeout_action: string;
  escalated: boolean;
  expires_at: Date | null;
  created_at: Date;
}

function toItem(row: Columns): ItemRow {
  return {
    id: row.id,
    approvalType: row.approval_type as ApprovalType,
    state: row.state as ItemState,
    decision: row.decision as ItemRow['decision'],
    priority: PRIORITIES[row.priority] ?? 'normal',
    title: row.title,
    description: row.description,
    payload: row.payload,
    modifiedPayload: row.modified_payload,
    context: row.context,
    sourceType: row.source_type as ApprovalSource,
    sourceId: row.source_id,
    sessionId: row.session_id,
    workflowId: row.workflow_id,
    riskLevel: row.risk_level as RiskLevel,
    riskFactors: row.risk_factors,
    owner: { kind: row.owner_kind, id: row.owner_id },
    decidedBy: row.decided_kind === null || row.decided_id === null ? null : { kind: row.decided_kind, id: row.decided_id },
    decidedAt: row.decided_at,
    note: row.note,
    ruleId: row.rule_id,
    timeoutAction: row.timeout_action as TimeoutAction,
    escalated: row.escalated,
    expiresAt: row.expires_at,
    createdAt: row.created_at,
  };
}
