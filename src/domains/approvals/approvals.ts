// approvals:* — questions to people, and the rules that answer them.
import { z } from 'zod';
import { operation } from '../operation.ts';
import { conditionSchema } from './condition-schema.ts';
import { APPROVAL_TYPES, ITEM_STATES, PRIORITIES, RISK_LEVELS, SOURCES, TIMEOUT_ACTIONS } from './item.ts';
import { RULE_ACTIONS } from './rule.ts';

const id = z.uuid().describe('id of the approval');
const ruleId = z.uuid().describe('id of the rule');
const anything = z.record(z.string(), z.unknown());
const who = z.object({ kind: z.string(), id: z.string() });
const approvalType = z.enum(APPROVAL_TYPES);

const item = z.object({
  id: z.string(),
  approvalType,
  state: z.enum(ITEM_STATES),
  decision: z.enum(['approved', 'denied']).nullable().describe('what follows from it; null while it is pending'),
  priority: z.enum(PRIORITIES),
  title: z.string(),
  description: z.string(),
  sourceType: z.enum(SOURCES),
  sourceId: z.string().nullable().describe('of what waits for the answer'),
  sessionId: z.string().nullable(),
  riskLevel: z.enum(RISK_LEVELS),
  riskFactors: z.array(z.string()),
  owner: who,
  decidedBy: who.nullable(),
  decidedAt: z.string().nullable(),
  note: z.string(),
  ruleId: z.string().nullable().describe('the rule that decided it'),
  timeoutAction: z.enum(TIMEOUT_ACTIONS),
  expiresAt: z.string().nullable(),
  createdAt: z.string(),
});

const itemWithPayload = item.extend({
  payload: anything.describe('what is asked about; rules look at it'),
  modifiedPayload: anything.nullable().describe('what is to be done instead'),
  context: anything.describe('for people'),
});

const rule = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  status: z.enum(['active', 'disabled']),
  approvalType: z.enum([...APPROVAL_TYPES, '*']),
  toolNames: z.array(z.string()),
  conditions: z.record(z.string(), conditionSchema),
  action: z.enum(RULE_ACTIONS),
  actionNote: z.string(),
  maxAutoApprovalsPerHour: z.int().nullable(),
  maxAutoApprovalsPerSession: z.int().nullable(),
  priority: z.int(),
  appliesToSessions: z.array(z.string()),
  appliesToWorkflows: z.array(z.string()),
  owner: who,
  timesTriggered: z.int(),
  lastTriggeredAt: z.string().nullable(),
  createdAt: z.string(),
  updatedAt: z.string(),
});

const question = z.object({
  approvalType: approvalType.default('custom'),
  title: z.string().min(1).max(200),
  description: z.string().max(10_000).default(''),
  payload: anything.default({}),
  context: anything.default({}),
  priority: z.enum(PRIORITIES).default('normal'),
  riskLevel: z.enum(RISK_LEVELS).default('medium'),
  riskFactors: z.array(z.string().max(200)).max(50).default([]),
  sessionId: z.string().max(200).optional(),
  workflowId: z.string().max(200).optional(),
  timeout: z.string().optional().describe('how long it may wait, for example 5m; default: for ever'),
  timeoutAction: z.enum(TIMEOUT_ACTIONS).default('deny').describe('escalate: asked once more with a higher priority, then denied'),
});

const ruleFields = z.object({
  name: z.string().min(1).max(200),
  description: z.string().max(2_000).default(''),
  approvalType: z
    .enum([...APPROVAL_TYPES, '*'])
    .default('*')
    .describe('* means every type'),
  toolNames: z.array(z.string().max(200)).max(100).default([]).describe('tools, operations or agents; none: any'),
  conditions: z
    .record(z.string().max(200), z.unknown())
    .default({})
    .describe('dotted path into the payload → operators: eq, in, glob, regex (of the whole text), lt, gt, exists'),
  action: z.enum(RULE_ACTIONS),
  actionNote: z.string().max(2_000).default(''),
  maxAutoApprovalsPerHour: z.int().min(0).max(1_000_000).optional().describe('the hour begins with its first approval'),
  maxAutoApprovalsPerSession: z.int().min(0).max(1_000_000).optional(),
  priority: z.int().min(0).max(1_000_000).default(0).describe('the larger decides first; at the same one: deny, require_review, approve'),
  appliesToSessions: z.array(z.string().max(200)).max(100).default([]),
  appliesToWorkflows: z.array(z.string().max(200)).max(100).default([]),
});

const SAMPLE_ID = '01936f8e-7a4c-7d3e-9f2a-3b1c5d7e9f01';
const read = { resource: 'approvals', action: 'read' } as const;
const write = { resource: 'approvals', action: 'write' } as const;

export const list = operation({
  name: 'approvals:list',
  summary: 'what waits for an answer, by priority, then age',
  kind: 'read',
  permission: read,
  input: z.object({
    state: z.enum([...ITEM_STATES, 'all']).default('pending'),
    sessionId: z.string().optional().describe('only those of this session'),
    approvalType: approvalType.optional(),
  }),
  output: item,
  http: { method: 'GET', path: '/api/approvals' },
  cli: { columns: ['id', 'priority', 'approvalType', 'title', 'riskLevel', 'state', 'createdAt'] },
  list: {
    fields: {
      priority: 'string',
      riskLevel: 'string',
      sourceType: 'string',
      title: 'string',
      state: 'string',
      createdAt: 'time',
      urgency: 'number',
    },
    search: ['title', 'description'],
    defaultSort: 'urgency',
    defaultOrder: 'asc',
  },
  examples: [{ summary: 'what waits', input: {} }],
  handler: () => import('./approval.ts').then((m) => m.list),
});

export const count = operation({
  name: 'approvals:count',
  summary: 'how many wait for an answer',
  kind: 'read',
  permission: read,
  input: z.object({}),
  output: z.object({ pending: z.int() }),
  http: { method: 'GET', path: '/api/approvals/count' },
  examples: [{ summary: 'how many', input: {} }],
  handler: () => import('./approval.ts').then((m) => m.count),
});

export const get = operation({
  name: 'approvals:get',
  summary: 'one approval with what is asked, its context and its risk',
  kind: 'read',
  permission: read,
  input: z.object({ id }),
  output: itemWithPayload,
  http: { method: 'GET', path: '/api/approvals/:id' },
  cli: { positionals: ['id'] },
  examples: [{ summary: 'what is asked', input: { id: SAMPLE_ID } }],
  handler: () => import('./approval.ts').then((m) => m.get),
});

export const create = operation({
  name: 'approvals:create',
  summary: 'ask something by hand',
  kind: 'write',
  permission: write,
  input: question,
  output: itemWithPayload,
  http: { method: 'POST', path: '/api/approvals', status: 201 },
  cli: { positionals: ['title'] },
  examples: [{ summary: 'with an end', input: { title: 'Deploy on a Friday?', priority: 'high', timeout: '1h' } }],
  handler: () => import('./approval.ts').then((m) => m.create),
});

export const approve = operation({
  name: 'approvals:approve',
  summary: 'approve it, as it was asked or with another payload',
  kind: 'write',
  permission: write,
  input: z.object({
    id,
    note: z.string().max(2_000).default(''),
    modifiedPayload: anything.optional().describe('what is to be done instead of what was asked'),
  }),
  output: itemWithPayload,
  http: { method: 'POST', path: '/api/approvals/:id/approve' },
  cli: { positionals: ['id'] },
  examples: [{ summary: 'with a note', input: { id: SAMPLE_ID, note: 'seen the diff' } }],
  handler: () => import('./approval.ts').then((m) => m.approve),
});

export const deny = operation({
  name: 'approvals:deny',
  summary: 'deny it',
  kind: 'write',
  permission: write,
  input: z.object({ id, note: z.string().max(2_000).default('') }),
  output: itemWithPayload,
  http: { method: 'POST', path: '/api/approvals/:id/deny' },
  cli: { positionals: ['id'] },
  examples: [{ summary: 'and say why', input: { id: SAMPLE_ID, note: 'it reads the clock' } }],
  handler: () => import('./approval.ts').then((m) => m.deny),
});

export const match = operation({
  name: 'approvals:match',
  summary: 'which rules would decide, and why the others would not',
  kind: 'read',
  permission: read,
  input: z.object({
    id: id.optional().describe('an approval that is there; else what else is given here'),
    approvalType: approvalType.default('custom'),
    payload: anything.default({}),
    sessionId: z.string().optional(),
    workflowId: z.string().optional(),
  }),
  output: z.object({
    decision: z.enum([...RULE_ACTIONS, 'ask']).describe('ask: no rule decides'),
    rules: z.array(
      z.object({ id: z.string(), name: z.string(), action: z.enum(RULE_ACTIONS), applies: z.boolean(), why: z.string().nullable() }),
    ),
  }),
  http: { method: 'POST', path: '/api/approvals/match' },
  examples: [{ summary: 'a write to /tmp', input: { approvalType: 'file_write', payload: { input: { path: '/tmp/x' } } } }],
  handler: () => import('./approval.ts').then((m) => m.match),
});

export const rulesList = operation({
  name: 'approvals:rules:list',
  summary: 'rules in the order in which they decide',
  kind: 'read',
  permission: read,
  input: z.object({}),
  output: rule,
  http: { method: 'GET', path: '/api/approval-rules' },
  cli: { columns: ['id', 'name', 'action', 'approvalType', 'toolNames', 'priority', 'status', 'timesTriggered'] },
  list: {
    fields: {
      name: 'string',
      action: 'string',
      approvalType: 'string',
      status: 'string',
      priority: 'number',
      timesTriggered: 'number',
      rank: 'number',
    },
    search: ['name', 'description'],
    defaultSort: 'rank',
    defaultOrder: 'asc',
  },
  examples: [{ summary: 'all', input: {} }],
  handler: () => import('./approval-rule.ts').then((m) => m.list),
});

export const rulesGet = operation({
  name: 'approvals:rules:get',
  summary: 'one rule',
  kind: 'read',
  permission: read,
  input: z.object({ id: ruleId }),
  output: rule,
  http: { method: 'GET', path: '/api/approval-rules/:id' },
  cli: { positionals: ['id'] },
  examples: [{ summary: 'one', input: { id: SAMPLE_ID } }],
  handler: () => import('./approval-rule.ts').then((m) => m.get),
});

export const rulesCreate = operation({
  name: 'approvals:rules:create',
  summary: 'make a rule',
  kind: 'write',
  permission: write,
  input: ruleFields,
  output: rule,
  http: { method: 'POST', path: '/api/approval-rules', status: 201 },
  cli: { positionals: ['name'] },
  examples: [
    {
      summary: 'write below /tmp without asking',
      input: { name: 'tmp', action: 'approve', approvalType: 'file_write', conditions: { 'input.path': { glob: '/tmp/**' } } },
    },
  ],
  handler: () => import('./approval-rule.ts').then((m) => m.create),
});

export const rulesUpdate = operation({
  name: 'approvals:rules:update',
  summary: 'change a rule',
  kind: 'write',
  permission: write,
  input: z
    .object({ id: ruleId })
    .extend(
      z
        .object(
          Object.fromEntries(
            Object.entries(ruleFields.shape).map(([name, schema]) => [name, unwrapped(schema)]),
          ) as typeof ruleFields.shape,
        )
        .partial().shape,
    ),
  output: rule,
  http: { method: 'PATCH', path: '/api/approval-rules/:id' },
  cli: { positionals: ['id'] },
  examples: [{ summary: 'let it decide first', input: { id: SAMPLE_ID, priority: 100 } }],
  handler: () => import('./approval-rule.ts').then((m) => m.update),
});

export const rulesEnable = operation({
  name: 'approvals:rules:enable',
  summary: 'let a rule decide again',
  kind: 'write',
  permission: write,
  input: z.object({ id: ruleId }),
  output: rule,
  http: { method: 'POST', path: '/api/approval-rules/:id/enable' },
  cli: { positionals: ['id'] },
  examples: [{ summary: 'again', input: { id: SAMPLE_ID } }],
  handler: () => import('./approval-rule.ts').then((m) => m.enable),
});

export const rulesDisable = operation({
  name: 'approvals:rules:disable',
  summary: 'let a rule decide nothing until it is enabled again',
  kind: 'write',
  permission: write,
  input: z.object({ id: ruleId }),
  output: rule,
  http: { method: 'POST', path: '/api/approval-rules/:id/disable' },
  cli: { positionals: ['id'] },
  examples: [{ summary: 'take it out of use', input: { id: SAMPLE_ID } }],
  handler: () => import('./approval-rule.ts').then((m) => m.disable),
});

export const rulesDelete = operation({
  name: 'approvals:rules:delete',
  summary: 'remove a rule',
  kind: 'dangerous',
  permission: write,
  input: z.object({ id: ruleId }),
  output: z.object({ id: z.string(), name: z.string() }),
  http: { method: 'DELETE', path: '/api/approval-rules/:id' },
  cli: { positionals: ['id'] },
  examples: [{ summary: 'for good', input: { id: SAMPLE_ID } }],
  handler: () => import('./approval-rule.ts').then((m) => m.remove),
});

/** Without its default: what is not given is not changed. */
function unwrapped(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodDefault ? (schema.unwrap() as z.ZodType) : schema;
}
