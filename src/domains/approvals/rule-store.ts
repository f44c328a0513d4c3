// Approval rules in the database, and their two counters, which are looked at and moved on in one statement each.
import { sql } from 'kysely';
import { toJson } from '#db/columns.ts';
import type { Database, Scope, Tx } from '#db/database.ts';
import { queriesOf } from '#db/database.ts';
import { SeedError } from '#lib/error.ts';
import { uuidv7 } from '#lib/id.ts';
import type { ApprovalType, Who } from './item.ts';
import { inOrder, type Rule, type RuleAction } from './rule.ts';

export interface RuleRow extends Rule {
  timesTriggered: number;
  lastTriggeredAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
}

export type NewRule = Omit<Rule, 'id'>;

/** In the order in which they decide. */
export async function listRules(scope: Scope): Promise<RuleRow[]> {
  const rows = (await queriesOf(scope).selectFrom('approval_rules').selectAll().limit(10_000).execute()).map(toRule);
  const byId = new Map(rows.map((row) => [row.id, row]));
  return inOrder(rows).flatMap(({ id }) => byId.get(id) ?? []);
}

export async function getRule(database: Database, id: string): Promise<RuleRow | null> {
  const row = await database.db.selectFrom('approval_rules').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? null : toRule(row);
}

/** @throws SeedError `conflict` when its owner has one of this name */
export async function insertRule(scope: Scope, rule: NewRule): Promise<string> {
  const id = uuidv7();
  const inserted = await queriesOf(scope)
    .insertInto('approval_rules')
    .values({ id, ...columnsOf(rule), owner_kind: rule.owner.kind, owner_id: rule.owner.id })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if (inserted.numInsertedOrUpdatedRows === 1n) return id;
  throw new SeedError('conflict', `there is a rule ${JSON.stringify(rule.name)} already`, {
    hint: 'give it another name, or change that one',
  });
}

export async function updateRule(database: Database, id: string, rule: NewRule): Promise<void> {
  await database.db
    .updateTable('approval_rules')
    .set({ ...columnsOf(rule), updated_at: sql`now()` })
    .where('id', '=', id)
    .execute();
}

export async function deleteRule(database: Database, id: string): Promise<void> {
  await database.db.deleteFrom('approval_rules').where('id', '=', id).execute();
}

/** False: its hour is full, or it was disabled meanwhile. The hour begins with its first approval. */
export async function countHour(tx: Tx, id: string): Promise<boolean> {
  const { rows } = await sql`
    UPDATE approval_rules SET
      hour_count = CASE WHEN hour_started_at > now() - interval '1 hour' THEN hour_count + 1 ELSE 1 END,
      hour_started_at = CASE WHEN hour_started_at > now() - interval '1 hour' THEN hour_started_at ELSE now() END,
      times_triggered = times_triggered + 1, last_triggered_at = now()
    WHERE id = ${id} AND status = 'active' AND (
      max_per_hour IS NULL OR (CASE WHEN hour_started_at > now() - interval '1 hour' THEN hour_count ELSE 0 END) < max_per_hour)
    RETURNING id`.execute(tx);
  return rows.length === 1;
}

/** False: it has approved as much in this session as it may. */
export async function countSession(tx: Tx, count: { ruleId: string; sessionId: string; max: number }): Promise<boolean> {
  if (count.max === 0) return false;
  const { rows } = await sql`
    INSERT INTO approval_rule_sessions AS s (rule_id, session_id, count) VALUES (${count.ruleId}, ${count.sessionId}, 1)
    ON CONFLICT (rule_id, session_id) DO UPDATE SET count = s.count + 1 WHERE s.count < ${count.max}
    RETURNING count`.execute(tx);
  return rows.length === 1;
}

/** Of a rule that denies or asks: counted, and without a limit. */
export async function countTriggered(tx: Tx, id: string): Promise<void> {
  await tx
    .updateTable('approval_rules')
    .set({ times_triggered: sql`times_triggered + 1`, last_triggered_at: sql`now()` })
    .where('id', '=', id)
    .execute();
}

function columnsOf(rule: NewRule) {
  return {
    name: rule.name,
    description: rule.description,
    status: rule.status,
    approval_type: rule.approvalType,
    tool_names: toJson(rule.toolNames),
    conditions: toJson(rule.conditions),
    action: rule.action,
    action_note: rule.actionNote,
    max_per_hour: rule.maxAutoApprovalsPerHour,
    max_per_session: rule.maxAutoApprovalsPerSession,
    priority: rule.priority,
    applies_to_sessions: toJson(rule.appliesToSessions),
    applies_to_workflows: toJson(rule.appliesToWorkflows),
  };
}

interface Columns {
  id: string;
  name: string;
  description: string;
  status: 'active' | 'disabled';
  approval_type: string;
  tool_names: string[];
  conditions: Record<string, unknown>;
  action: RuleAction;
  action_note: string;
  max_per_hour: number | null;
  max_per_session: number | null;
  priority: number;
  applies_to_sessions: string[];
  applies_to_workflows: string[];
  owner_kind: string;
  owner_id: string;
  times_triggered: number;
  last_triggered_at: Date | null;
  created_at: Date;
  updated_at: Date;
}

function toRule(row: Columns): RuleRow {
  const owner: Who = { kind: row.owner_kind, id: row.owner_id };
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    status: row.status,
    approvalType: row.approval_type as ApprovalType | '*',
    toolNames: row.tool_names,
    conditions: row.conditions,
    action: row.action,
    actionNote: row.action_note,
    maxAutoApprovalsPerHour: row.max_per_hour,
    maxAutoApprovalsPerSession: row.max_per_session,
    priority: row.priority,
    appliesToSessions: row.applies_to_sessions,
    appliesToWorkflows: row.applies_to_workflows,
    owner,
    timesTriggered: row.times_triggered,
    lastTriggeredAt: row.last_triggered_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
