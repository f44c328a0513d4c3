// improvements:* — the queue, the history, and one improvement while it runs.
import { z } from 'zod';
import { operation } from '../operation.ts';
import { eventData, improvementSummary, pairedReport, proposedCandidate, shownTask, stageReport } from './progress-view.ts';

export const IMPROVEMENT_STATES = [
  'queued',
  'generating',
  'validating',
  'staged',
  'promoting',
  'verifying',
  'live',
  'no_gain',
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
    search: ['agent', 'proposer', 'reason'],
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
