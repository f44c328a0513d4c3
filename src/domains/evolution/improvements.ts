// improvements:* — the queue, the history, and one improvement while it runs.
import { z } from 'zod';
import { NAME_PATTERN, notAName } from '#lib/name.ts';
import { operation } from '../operation.ts';
import { pauseView } from './pause-view.ts';
import { eventData, improvementSummary, pairedReport, proposedCandidate, shownTask, stageReport } from './progress-view.ts';

export const IMPROVEMENT_STATES = [
  'queued',
  'generating',
  'validating',
  'staged',
  'waiting',
  'promoting',
  'verifying',
  'live',
  'no_gain',
  'rejected',
  'rolled_back',
  'failed',
  'cancelled',
] as const;

export const improvementItem = z.object({
  id: z.string(),
  agent: z.string(),
  state: z.enum(IMPROVEMENT_STATES),
  proposer: z.string(),
  reason: z.string().describe('why it ended as it did'),
  trigger: z.string(),
  fingerprint: z.string().describe('the same for the same request, for the same version and with the same evidence'),
  paused: z.boolean().describe('it waits until improvements:resume'),
  baseVersion: z.int().nullable(),
  version: z.int().nullable().describe('the version it made, if any'),
  baseline: z.number().nullable().describe('score of the version it started from, on the test set'),
  selection: z.number().nullable(),
  validation: z.number().nullable(),
  test: z.number().nullable().describe('the only score that is quoted: on data that decided nothing'),
  evaluated: z.int().describe('candidates scored'),
  swapMs: z.number().nullable(),
  createdAt: z.string(),
  finishedAt: z.string().nullable(),
  durationMs: z.number().nullable(),
});

const id = z.uuid().describe('id of the improvement');

export const list = operation({
  name: 'improvements:list',
  summary: 'queue and history with state, agent, reason, duration',
  kind: 'read',
  permission: { resource: 'improvements', action: 'read' },
  input: z.object({
    agent: z.string().optional().describe('only those of this agent'),
    state: z.enum(IMPROVEMENT_STATES).optional(),
  }),
  output: improvementItem,
  http: { method: 'GET', path: '/api/improvements' },
  cli: { columns: ['id', 'agent', 'state', 'proposer', 'baseline', 'validation', 'test', 'version', 'createdAt'] },
  list: {
    fields: { agent: 'string', state: 'string', proposer: 'string', createdAt: 'time', finishedAt: 'time', test: 'number' },
    search: ['agent', 'proposer', 'reason', 'fingerprint'],
    defaultSort: 'createdAt',
    defaultOrder: 'desc',
  },
  examples: [
    { summary: 'the newest first', input: {} },
    { summary: 'those that went live', input: { state: 'live' } },
  ],
  handler: () => import('./improvement.ts').then((m) => m.list),
});

export const get = operation({
  name: 'improvements:get',
  summary: 'one improvement with stage timings, reports, error',
  kind: 'read',
  permission: { resource: 'improvements', action: 'read' },
  input: z.object({ id }),
  output: improvementItem.extend({
    budgetMs: z.int(),
    goal: z.string(),
    seed: z.int(),
    spent: z
      .object({ runs: z.int(), inputTokens: z.int(), outputTokens: z.int(), costMicroUsd: z.int() })
      .describe('by its proposer; a millionth of a dollar is 1'),
    attempts: z.array(z.string()).describe('runs of the proposer that came to nothing, and why'),
    stages: z.array(z.object({ stage: z.string(), state: z.string(), durationMs: z.number().nullable(), report: stageReport })),
    reported: z.array(shownTask).describe('tasks that decide nothing, scored with the test set'),
    candidates: z.array(
      proposedCandidate.extend({
        rejected: z.string().nullable().describe('at which stage, and why'),
        validation: pairedReport.nullable(),
        winner: z.boolean(),
      }),
    ),
    progress: z.array(
      z.object({
        generation: z.int(),
        evaluated: z.int(),
        perSecond: z.number(),
        best: z.number(),
        baseline: z.number(),
        elapsedMs: z.number(),
      }),
    ),
  }),
  http: { method: 'GET', path: '/api/improvements/:id' },
  cli: { positionals: ['id'] },
  examples: [{ summary: 'what its gate said', input: { id: '01936f8e-7a4c-7d3e-9f2a-3b1c5d7e9f01' } }],
  handler: () => import('./improvement.ts').then((m) => m.get),
});

export const cancel = operation({
  name: 'improvements:cancel',
  summary: 'cancel a queued or running improvement',
  kind: 'write',
  permission: { resource: 'improvements', action: 'write' },
  input: z.object({ id, reason: z.string().max(500).default('cancelled') }),
  output: improvementItem,
  http: { method: 'POST', path: '/api/improvements/:id/cancel' },
  cli: { positionals: ['id'] },
  examples: [{ summary: 'stop it', input: { id: '01936f8e-7a4c-7d3e-9f2a-3b1c5d7e9f01' } }],
  handler: () => import('./improvement.ts').then((m) => m.cancel),
});

export const triggers = operation({
  name: 'improvements:triggers',
  summary: 'why agents are, or are not, improved without being asked for',
  description:
    'The last look of this node at each agent: what it saw, and what it decided. Contracts say what they may be improved for (improvement.automatic).',
  kind: 'read',
  permission: { resource: 'improvements', action: 'read' },
  input: z.object({ agent: z.string().optional().describe('only this agent') }),
  output: z.object({
    agent: z.string(),
    automatic: z.boolean().describe('its live contract has improvement.automatic'),
    on: z.array(z.string()).describe('what it may be improved for'),
    lookedAt: z.string().nullable(),
    nextLookAt: z.string().nullable(),
    trigger: z.string().nullable().describe('what an improvement was asked for; null: none was'),
    reason: z.string().describe('why, or why not'),
    improvement: z.string().nullable().describe('the one that was asked for'),
    seen: z
      .object({
        isPaused: z.boolean(),
        isObserved: z.boolean().describe('the live version is new, and may be taken back yet'),
        open: z.string().nullable().describe('the improvement that has not ended'),
        failure: z
          .object({ outcome: z.string(), cycles: z.int().describe('since then; ten are waited for') })
          .nullable()
          .describe('of the last one, if it came to nothing'),
        score: z.number().nullable().describe('share of good verdicts on calls of the live version'),
        good: z.int(),
        bad: z.int(),
        calls: z.int().describe('of the live version, within two minutes'),
        errorRate: z.number(),
        errorRateBefore: z.number().describe('while it was new'),
        idleCycles: z.int().describe('since an improvement has ended or a version gone live'),
        sinceLastMs: z.number().describe('since one was asked for, or the version went live'),
      })
      .nullable()
      .describe('null: there was no need to look'),
  }),
  http: { method: 'GET', path: '/api/improvements/triggers' },
  cli: { positionals: ['agent'], columns: ['agent', 'automatic', 'trigger', 'reason', 'lookedAt'] },
  list: {
    fields: { agent: 'string', automatic: 'boolean', trigger: 'string', reason: 'string' },
    search: ['agent', 'reason'],
    defaultSort: 'agent',
  },
  examples: [{ summary: 'all agents', input: {} }],
  handler: () => import('./trigger-view.ts').then((m) => m.triggers),
});

export const pause = operation({
  name: 'improvements:pause',
  summary: 'stop all improvements of all agents until improvements:resume',
  description:
    'None begins, and those that run stop where they are: their finished stages are kept, and they go on after them, with what is left of their budget. New ones may be asked for, and wait. What is live already is watched and taken back as ever. It holds over restarts.',
  kind: 'write',
  idempotent: true,
  dryRun: true,
  permission: { resource: 'improvements', action: 'pause' },
  input: z.object({ reason: z.string().min(1).max(500).default('paused').describe('for those who wonder') }),
  output: z.object({ paused: pauseView.nullable().describe('the pause that holds, also an earlier one'), applied: z.boolean() }),
  http: { method: 'POST', path: '/api/improvements/pause' },
  cli: { positionals: ['reason'] },
  examples: [{ summary: 'before a busy day', input: { reason: 'stock taking' } }],
  handler: () => import('./pause.ts').then((m) => m.pause),
});

export const resume = operation({
  name: 'improvements:resume',
  summary: 'let improvements go on',
  kind: 'write',
  idempotent: true,
  dryRun: true,
  permission: { resource: 'improvements', action: 'pause' },
  input: z.object({}),
  output: z.object({ ended: pauseView.nullable().describe('the pause that is over; null: there was none'), applied: z.boolean() }),
  http: { method: 'POST', path: '/api/improvements/resume' },
  examples: [{ summary: 'go on', input: {} }],
  handler: () => import('./pause.ts').then((m) => m.resume),
});

const decisionInput = z.object({ id, note: z.string().max(1_000).default('').describe('why, for those who read it later') });

export const approve = operation({
  name: 'improvements:approve',
  summary: 'let an improvement that waits go live',
  description: 'The same as approving its item: seed approvals:get shows what it changes, its scores, its risk.',
  kind: 'write',
  permission: { resource: 'improvements', action: 'approve' },
  input: decisionInput,
  output: improvementItem,
  http: { method: 'POST', path: '/api/improvements/:id/approve' },
  cli: { positionals: ['id'] },
  examples: [{ summary: 'with a reason', input: { id: '01936f8e-7a4c-7d3e-9f2a-3b1c5d7e9f01', note: 'read it, fine' } }],
  handler: () => import('./improvement.ts').then((m) => m.approve),
});

export const reject = operation({
  name: 'improvements:reject',
  summary: 'refuse an improvement that waits',
  description: 'Its version stays in the store, and its proposer is told why the next time.',
  kind: 'write',
  permission: { resource: 'improvements', action: 'approve' },
  input: decisionInput,
  output: improvementItem,
  http: { method: 'POST', path: '/api/improvements/:id/reject' },
  cli: { positionals: ['id'] },
  examples: [{ summary: 'with a reason', input: { id: '01936f8e-7a4c-7d3e-9f2a-3b1c5d7e9f01', note: 'nobody could maintain this' } }],
  handler: () => import('./improvement.ts').then((m) => m.reject),
});

export const generate = operation({
  name: 'improvements:generate',
  summary: 'ask a coding agent for a better version, from a goal in words',
  description:
    'The same as agents:improve with Claude Code or Codex as the proposer: it edits the agent in a scratch worktree, and what it leaves goes through the whole gate.',
  kind: 'write',
  permission: { resource: 'improvements', action: 'write' },
  input: z.object({
    agent: z
      .string()
      .regex(NAME_PATTERN, { error: ({ input }) => notAName(input) })
      .describe('name of the agent'),
    goal: z.string().min(1).max(4_000).describe('what to aim at'),
    proposer: z.enum(['claude-code', 'codex']).default('claude-code'),
    budget: z.string().default('10m').describe('time for all its runs, for example 10m'),
  }),
  output: improvementItem,
  http: { method: 'POST', path: '/api/agents/:agent/improvements/generate', status: 202 },
  cli: { positionals: ['agent', 'goal'], flagAliases: { id: 'agent' }, watch: { operation: 'improvements:watch', input: { id: 'id' } } },
  examples: [{ summary: 'with Codex', input: { agent: 'extract', goal: 'read dates that are written in words', proposer: 'codex' } }],
  handler: () => import('./improvement.ts').then((m) => m.improve),
});

export const watch = operation({
  name: 'improvements:watch',
  summary: 'events of one improvement as they come: stages, scores, progress',
  kind: 'read',
  stream: true,
  eventId: 'sequence',
  permission: { resource: 'improvements', action: 'read' },
  input: z.object({ id }),
  output: z.object({
    sequence: z.int().describe('resume after it with Last-Event-ID'),
    type: z.string(),
    at: z.string(),
    message: z.string().describe('one line for people'),
    data: eventData,
    progress: z.number().min(0).max(1).optional().describe('how much of the search is done'),
    summary: improvementSummary.optional().describe('of the last event: what came of it'),
    error: z.object({ code: z.string(), message: z.string() }).optional().describe('of the last event, when it failed'),
  }),
  http: { method: 'GET', path: '/api/improvements/:id/events' },
  cli: { positionals: ['id'], live: 'line' },
  examples: [{ summary: 'until it has ended', input: { id: '01936f8e-7a4c-7d3e-9f2a-3b1c5d7e9f01' } }],
  access: () => import('./improvement.ts').then((m) => m.isThere),
  handler: () => import('./improvement.ts').then((m) => m.watch),
});
