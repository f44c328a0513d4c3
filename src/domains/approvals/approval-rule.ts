// Handlers of approvals:rules:*.
import { SeedError } from '#lib/error.ts';
import type { OperationContext, PageInput } from '#operation/operation.ts';
import { pageOf } from '../operation.ts';
import type { NodePorts } from '../ports.ts';
import { conditionProblems } from './condition.ts';
import type { Rule } from './rule.ts';
import { deleteRule, getRule, insertRule, listRules, updateRule, type NewRule, type RuleRow } from './rule-store.ts';

type Context = OperationContext<NodePorts>;
type RuleInput = Omit<NewRule, 'owner' | 'status' | 'maxAutoApprovalsPerHour' | 'maxAutoApprovalsPerSession'> & {
  maxAutoApprovalsPerHour?: number;
  maxAutoApprovalsPerSession?: number;
};

function shown(row: RuleRow) {
  return {
    ...row,
    lastTriggeredAt: row.lastTriggeredAt?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

async function find(id: string, { ports }: Context): Promise<RuleRow> {
  const row = await getRule(ports.database, id);
  if (row === null) throw new SeedError('not_found', `there is no rule ${id}`, { hint: 'seed approvals:rules:list shows all of them' });
  return row;
}

function check(rule: NewRule): void {
  const [...problems] = conditionProblems(rule.conditions);
  if (rule.approvalType === 'operation' && rule.action === 'approve' && rule.toolNames.length === 0)
    problems.push({ path: 'tool_names', message: 'name the dangerous operations that it approves' });
  if (problems.length === 0) return;
  throw new SeedError('invalid_input', problems.map(({ path, message }) => `${path}: ${message}`).join('; '), { details: problems });
}

export async function list(input: PageInput, context: Context) {
  const rows = await listRules(context.ports.database);
  const page = pageOf(
    rows.map((row, rank) => ({ ...shown(row), rank })),
    input,
    context,
  );
  return { ...page, items: page.items.map(({ rank: _rank, ...row }) => row) };
}

export async function get(input: { id: string }, context: Context) {
  return shown(await find(input.id, context));
}

export async function create(input: RuleInput, context: Context) {
  const { ports, principal } = context;
  const rule: NewRule = {
    ...input,
    status: 'active',
    maxAutoApprovalsPerHour: input.maxAutoApprovalsPerHour ?? null,
    maxAutoApprovalsPerSession: input.maxAutoApprovalsPerSession ?? null,
    owner: { kind: principal.kind, id: principal.id },
  };
  check(rule);
  return shown(await find(await insertRule(ports.database, rule), context));
}

export async function update(input: { id: string } & Partial<RuleInput>, context: Context) {
  const { id, ...change } = input;
  return changed(id, change, context);
}

export function enable(input: { id: string }, context: Context) {
  return changed(input.id, { status: 'active' }, context);
}

export function disable(input: { id: string }, context: Context) {
  return changed(input.id, { status: 'disabled' }, context);
}

export async function remove(input: { id: string }, context: Context) {
  const { name } = await find(input.id, context);
  await deleteRule(context.ports.database, input.id);
  return { id: input.id, name };
}

async function changed(id: string, change: Partial<Rule>, context: Context) {
  const rule = { ...(await find(id, context)), ...change };
  check(rule);
  await updateRule(context.ports.database, id, rule);
  return shown(await find(id, context));
}
