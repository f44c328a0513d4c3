// agents:calls:* — the recorded calls of an agent: look at them, and run them again.
import { z } from 'zod';
import { operation } from '../operation.ts';
import { agentName } from './agent-name.ts';
import { feedbackItem } from './agents-feedback.ts';

const call = z.uuid().describe('id of the call');
const agent = agentName;
const POSITIONALS = { flagAliases: { id: 'agent' }, short: { agent: 'i' }, positionals: ['agent', 'call'] } as const;

export const waitItem = z.object({
  request: z.int().describe('its number in the call'),
  kind: z.enum(['sleep', 'ask']),
  question: z.string().nullable().describe('of an ask'),
  schema: z.record(z.string(), z.unknown()).nullable().describe('JSON Schema that the answer must fit; null: any JSON'),
  dueAt: z.string().nullable().describe('when it is over by itself; null: never'),
});

const CALL_STATES = ['parked', 'running', 'done', 'failed', 'cancelled'] as const;

const callItem = z.object({
  callId: z.string(),
  state: z.enum(CALL_STATES).describe('parked: it waits for what comes later; running: it goes on after that'),
  key: z.string().nullable().describe('instance of a stateful agent'),
  export: z.string(),
  version: z.int(),
  hash: z.string(),
  outcome: z.string().nullable().describe('ok, or the code of the error; null while it has not ended'),
  error: z.string().nullable().describe('its message'),
  startedAt: z.string(),
  durationMs: z.number().nullable().describe('of a call that was parked: of its last run'),
  cpuMs: z.number().nullable(),
  principal: z.string().describe('who asked, as kind/id'),
  redacted: z.boolean().describe('what the contract marks as secret was taken out: replaying it gives unknown'),
  truncated: z.boolean().describe('it was too large to be kept whole: replaying it gives unknown'),
  streamed: z.boolean().describe('its output is the list of the chunks that it streamed'),
});

export const callsList = operation({
  name: 'agents:calls:list',
  summary: 'recorded calls of an agent',
  description:
    'All calls of a version on trial, all failures, and a sample of the rest, kept for seven days; those that people judged for ninety. What happened shows within a second.',
  kind: 'read',
  permission: { resource: 'agents', action: 'read' },
  input: z.object({
    agent,
    version: z.int().min(1).optional().describe('only calls of this version'),
    key: z.string().max(200).optional().describe('only calls of this instance'),
    export: z.string().max(64).optional(),
    state: z.enum(CALL_STATES).optional().describe('only calls in this state'),
    outcome: z.string().max(64).optional().describe('ok, failed (anything but ok), or the code of an error'),
    since: z.string().max(40).optional().describe('from then on: a time, or how long ago, for example 2h'),
    until: z.string().max(40).optional().describe('before then: a time, or how long ago'),
    slow: z.string().max(40).optional().describe('only calls that took longer, for example 250ms'),
  }),
  output: callItem,
  http: { method: 'GET', path: '/api/agents/:agent/calls' },
  cli: {
    flagAliases: { id: 'agent' },
    short: { agent: 'i', version: 'v', key: 'k' },
    positionals: ['agent'],
    columns: ['callId', 'state', 'outcome', 'version', 'key', 'export', 'durationMs', 'startedAt'],
  },
  list: {
    fields: {
      callId: 'string',
      state: 'string',
      key: 'string',
      export: 'string',
      version: 'number',
      hash: 'string',
      outcome: 'string',
      error: 'string',
      startedAt: 'time',
      durationMs: 'number',
      cpuMs: 'number',
      redacted: 'boolean',
      truncated: 'boolean',
    },
    search: ['key', 'error'],
    defaultSort: 'startedAt',
    defaultOrder: 'desc',
  },
  examples: [
    { summary: 'the newest', input: { agent: 'packer' } },
    { summary: 'what failed in the last hour', input: { agent: 'packer', outcome: 'failed', since: '1h' } },
    { summary: 'those that wait', input: { agent: 'packer', state: 'parked' } },
    { summary: 'the slow ones of one version', input: { agent: 'packer', version: 2, slow: '50ms' } },
  ],
  handler: () => import('./recorded-call.ts').then((m) => m.list),
});

const failure = z.object({
  code: z.string(),
  message: z.string(),
  stack: z.string().optional().describe("led back to the author's files"),
  reason: z.string().optional().describe('in a word, where the code alone does not say it'),
});

const journalEntry = z.object({
  kind: z
    .enum(['request', 'result', 'chunks', 'room', 'left'])
    .describe('the last three of a stream: it gave out chunks, its reader had so much room, its reader went away'),
  request: z.int().optional().describe('its number in the call, from 1'),
  name: z.string().optional().describe('of a request'),
  args: z.unknown().optional().describe('of a request'),
  at: z.string().optional().describe("of a result: where the call's clock then stood"),
  value: z.unknown().optional().describe('of a result'),
  error: z.object({ name: z.string(), message: z.string(), code: z.string().optional() }).optional().describe('of a result'),
  chunks: z.int().optional().describe('so many, or room for so many since the beginning'),
  chars: z.int().optional().describe('room for so many characters since the beginning'),
});

const made = z.object({
  request: z.int().optional().describe('its number in the call'),
  name: z.string().optional(),
  args: z.unknown().optional(),
  chunks: z.int().optional().describe('given out by a stream'),
});

const divergence = z.object({
  index: z.int().describe('into the entries of the journal'),
  recorded: made.nullable().describe('what the record has there; null: nothing'),
  seen: made.nullable().describe('what was done instead; null: nothing'),
});

export const callsGet = operation({
  name: 'agents:calls:get',
  summary: 'one recorded call with its capability results',
  description:
    'A call that is parked is shown with what it waits for. Its output is shown whole to whoever made it, to others without what the contract marks as secret.',
  kind: 'read',
  permission: { resource: 'agents', action: 'read' },
  input: z.object({
    agent,
    call,
    wait: z.string().max(20).optional().describe('while it is parked, answer only when it has ended, or after so long: at most 10m'),
  }),
  output: callItem.omit({ error: true }).extend({
    input: z.unknown().describe('as the handler saw it; null when it was not kept'),
    output: z.unknown().describe('null when it failed, or was not kept'),
    error: failure.nullable(),
    journal: z
      .object({
        time: z.string().describe("where the call's clock stood at its start"),
        seed: z.int().describe('of its random numbers'),
        entries: z.array(journalEntry).describe('what it asked for and was given, in its own order'),
      })
      .nullable(),
    logs: z.array(
      z.object({
        level: z.string(),
        message: z.string(),
        fields: z.record(z.string(), z.unknown()).optional().describe('as they were logged'),
      }),
    ),
    open: z.array(waitItem).describe('what it waits for'),
    feedback: z.array(feedbackItem).describe('what people said of it, one each'),
    divergence: divergence.nullable().describe('where a parked call left its record when it went on: then it was stopped'),
    unknown: z.string().nullable().describe('why it can not be replayed; null when it can'),
  }),
  http: { method: 'GET', path: '/api/agents/:agent/calls/:call' },
  cli: POSITIONALS,
  examples: [
    { summary: 'what it asked for', input: { agent: 'packer', call: '01936f8e-7a4c-7d3e-9f2a-3b1c5d7e9f01' } },
    { summary: 'wait for its answer', input: { agent: 'packer', call: '01936f8e-7a4c-7d3e-9f2a-3b1c5d7e9f01', wait: '5m' } },
  ],
  handler: () => import('./recorded-call.ts').then((m) => m.get),
});

export const callsReplay = operation({
  name: 'agents:calls:replay',
  audit: false,
  summary: 'replay a recorded call on a version and show the difference',
  description:
    'Runs the call again in a sandbox host that serves nobody, answered from its record alone: nothing is read, written or sent. On its own version, or on another one. It is exact where the contract says isolation: call; elsewhere what a module keeps between calls is in no record.',
  kind: 'write',
  idempotent: true,
  permission: { resource: 'agents', action: 'invoke' },
  input: z.object({
    agent,
    call,
    version: z.string().max(64).optional().describe('a version number, or the beginning of a hash; default: the version it ran on'),
  }),
  output: z.object({
    verdict: z
      .enum(['same', 'different', 'diverged', 'unknown'])
      .describe('diverged: it asked for something else than its record says; unknown: the record can not say'),
    reason: z.string().nullable(),
    exact: z.boolean().describe('the contract says isolation: call'),
    version: z.int().describe('that it was replayed on'),
    hash: z.string(),
    recordedVersion: z.int(),
    differences: z
      .array(
        z.object({
          path: z.string(),
          before: z.unknown().optional().describe('as recorded; missing where the record has nothing'),
          after: z.unknown().optional().describe('of the replay; missing where it has nothing'),
        }),
      )
      .describe('of the answers, member by member; the first hundred'),
    divergence: divergence.nullable(),
    recorded: z.object({ output: z.unknown(), error: failure.nullable() }),
    replayed: z.object({ output: z.unknown(), error: failure.nullable() }).nullable(),
  }),
  http: { method: 'POST', path: '/api/agents/:agent/calls/:call/replay' },
  cli: { ...POSITIONALS, short: { agent: 'i', version: 'v' } },
  examples: [
    { summary: 'on its own version', input: { agent: 'packer', call: '01936f8e-7a4c-7d3e-9f2a-3b1c5d7e9f01' } },
    { summary: 'on another one', input: { agent: 'packer', call: '01936f8e-7a4c-7d3e-9f2a-3b1c5d7e9f01', version: 'v2' } },
  ],
  handler: () => import('./recorded-call.ts').then((m) => m.replay),
});

export const callsAnswer = operation({
  name: 'agents:calls:answer',
  summary: 'answer a parked call (request: its number, optional when one is open)',
  kind: 'write',
  permission: { resource: 'agents', action: 'invoke' },
  input: z.object({
    agent,
    call,
    answer: z.unknown().describe('JSON that fits the schema of the question; what is not JSON is taken as text'),
    request: z.int().min(1).optional().describe('the number of the question, where several are open'),
  }),
  output: z.object({ callId: z.string(), request: z.int(), state: z.enum(CALL_STATES), applied: z.boolean() }),
  http: { method: 'POST', path: '/api/agents/:agent/calls/:call/answer' },
  cli: { ...POSITIONALS, short: { agent: 'i', answer: 'a', request: 'r' }, positionals: ['agent', 'call', 'answer'] },
  examples: [
    { summary: 'yes', input: { agent: 'packer', call: '01936f8e-7a4c-7d3e-9f2a-3b1c5d7e9f01', answer: true } },
    {
      summary: 'the second question',
      input: { agent: 'packer', call: '01936f8e-7a4c-7d3e-9f2a-3b1c5d7e9f01', answer: 'tomorrow', request: 2 },
    },
  ],
  handler: () => import('./parked-call.ts').then((m) => m.answer),
});

export const callsCancel = operation({
  name: 'agents:calls:cancel',
  summary: 'cancel a parked call: what it has done stays, it never goes on',
  kind: 'write',
  permission: { resource: 'agents', action: 'invoke' },
  input: z.object({ agent, call, reason: z.string().min(1).max(500).default('cancelled') }),
  output: z.object({ callId: z.string(), state: z.enum(CALL_STATES), applied: z.boolean() }),
  http: { method: 'POST', path: '/api/agents/:agent/calls/:call/cancel' },
  cli: POSITIONALS,
  examples: [{ summary: 'nobody will answer it', input: { agent: 'packer', call: '01936f8e-7a4c-7d3e-9f2a-3b1c5d7e9f01' } }],
  handler: () => import('./parked-call.ts').then((m) => m.cancel),
});
