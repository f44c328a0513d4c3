// Handlers of approvals:* for the items.
import { SeedError } from '#lib/error.ts';
import { parseDuration } from '#lib/duration.ts';
import type { OperationContext, PageInput } from '#operation/operation.ts';
import { pageOf } from '../operation.ts';
import type { NodePorts } from '../ports.ts';
import type { ApprovalType, ItemState, Question } from './item.ts';
import type { RuleAction } from './rule.ts';
import { countPending, listItems, type ItemRow } from './store.ts';

type Context = OperationContext<NodePorts>;

function shown({
  payload: _payload,
  modifiedPayload: _modified,
  context: _context,
  workflowId: _workflow,
  escalated: _escalated,
  ...row
}: ItemRow) {
  return {
    ...row,
    decidedAt: row.decidedAt?.toISOString() ?? null,
    expiresAt: row.expiresAt?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
  };
}

function whole(row: ItemRow) {
  return { ...shown(row), payload: row.payload, modifiedPayload: row.modifiedPayload, context: row.context };
}

function whoOf({ principal }: Context) {
  return { kind: principal.kind, id: principal.id };
}

export async function list(
  input: PageInput & { state: ItemState | 'all'; sessionId?: string; approvalType?: ApprovalType },
  context: Context,
) {
  const rows = await listItems(context.ports.database, {
    state: input.state === 'all' ? undefined : input.state,
    sessionId: input.sessionId,
    approvalType: input.approvalType,
  });
  // In the order of the table, which is what is asked for unless somebody says otherwise.
  const page = pageOf(
    rows.map((row, urgency) => ({ ...shown(row), urgency })),
    input,
    context,
  );
  return { ...page, items: page.items.map(({ urgency: _urgency, ...row }) => row) };
}

export async function count(_input: object, { ports }: Context) {
  return { pending: await countPending(ports.database) };
}

export async function get(input: { id: string }, { ports }: Context) {
  return whole(await ports.approvals.get(input.id));
}

export async function create(
  input: Omit<Question, 'sourceType' | 'sourceId' | 'owner' | 'timeoutMs' | 'sessionId' | 'workflowId'> & {
    timeout?: string;
    sessionId?: string;
    workflowId?: string;
  },
  context: Context,
) {
  const { timeout, ...asked } = input;
  const question: Question = {
    ...asked,
    sessionId: input.sessionId ?? null,
    workflowId: input.workflowId ?? null,
    sourceType: 'manual',
    sourceId: null,
    owner: whoOf(context),
    timeoutMs: timeout === undefined ? null : parseDuration(timeout),
  };
  if (question.timeoutMs === null && question.timeoutAction !== 'deny') {
    throw new SeedError('invalid_input', `${question.timeoutAction} needs a timeout`, {
      details: [{ path: 'timeout', message: 'for example 1h' }],
    });
  }
  return whole(await context.ports.approvals.open(question, { principal: whoOf(context) }));
}

export async function approve(input: { id: string; note: string; modifiedPayload?: Record<string, unknown> }, context: Context) {
  const decision = { by: whoOf(context), note: input.note, ruleId: null };
  return whole(
    await context.ports.approvals.decide(input.id, { kind: 'approve', decision, modifiedPayload: input.modifiedPayload ?? null }),
  );
}

export async function deny(input: { id: string; note: string }, context: Context) {
  const decision = { by: whoOf(context), note: input.note, ruleId: null };
  return whole(await context.ports.approvals.decide(input.id, { kind: 'deny', decision }));
}

export async function match(
  input: { id?: string; approvalType: ApprovalType; payload: Record<string, unknown>; sessionId?: string; workflowId?: string },
  context: Context,
) {
  const { ports } = context;
  const known = input.id === undefined ? null : await ports.approvals.get(input.id);
  const question: Question = {
    approvalType: known?.approvalType ?? input.approvalType,
    payload: known?.payload ?? input.payload,
    sessionId: known?.sessionId ?? input.sessionId ?? null,
    workflowId: known?.workflowId ?? input.workflowId ?? null,
    owner: known?.owner ?? whoOf(context),
    sourceType: 'manual',
    sourceId: null,
    title: '',
    description: '',
    context: {},
    priority: 'normal',
    riskLevel: 'low',
    riskFactors: [],
    timeoutMs: null,
    timeoutAction: 'deny',
  };
  const matched = await ports.approvals.match(question);
  const decision: RuleAction | 'ask' = matched.find(({ why }) => why === null)?.rule.action ?? 'ask';
  return {
    decision,
    rules: matched.map(({ rule, why }) => ({ id: rule.id, name: rule.name, action: rule.action, applies: why === null, why })),
  };
}
