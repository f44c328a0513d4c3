// agents:* — define, run, call and improve agents.
import { z } from 'zod';
import { improveHandler, improvementItem } from '../evolution/index.ts';
import { operation } from '../operation.ts';
import { agentName } from './agent-name.ts';
import { waitItem } from './agents-calls.ts';
import { contractView } from './contract-view.ts';

export { chat } from './agents-chat.ts';
export { callsAnswer, callsCancel, callsGet, callsList, callsReplay } from './agents-calls.ts';
export { feedback } from './agents-feedback.ts';

const agent = agentName;
const ID_FLAG = { flagAliases: { id: 'agent' }, short: { agent: 'i' }, positionals: ['agent'] } as const;

export const agentItem = z.object({
  name: z.string(),
  type: z.string(),
  summary: z.string(),
  status: z.enum(['defined', 'starting', 'idle', 'busy', 'stopping', 'stopped', 'error']),
  version: z.int().nullable().describe('number of the live version'),
  hash: z.string().nullable(),
  phase: z.enum(['idle', 'observing']).nullable(),
  inFlight: z.int(),
  waiting: z.int().describe('calls waiting for their instance'),
  node: z.string(),
  createdAt: z.string(),
  updatedAt: z.string(),
});

const figures = z.object({
  calls: z.int(),
  errors: z.int().describe("by the agent's fault, limit hits included"),
  limitHits: z.int(),
  errorRate: z.number(),
  p95Ms: z.number().nullable().describe('as callers saw it'),
  ownP95Ms: z.number().nullable().describe("of the time that was the version's own doing"),
});

const rollout = z.object({
  generation: z.int(),
  stable: z.string().nullable().describe('hash of the last version that was accepted'),
  canary: z.string().nullable().describe('hash of the version on trial'),
  weight: z.int().describe('per cent of the calls that go to it'),
  previous: z.string().nullable().describe('hash of the version that was live before: where code:rollback goes'),
  phase: z.enum(['idle', 'observing']),
  observedUntil: z.string().nullable(),
  reason: z.string(),
});

export const list = operation({
  name: 'agents:list',
  summary: 'agents with status, version, node',
  kind: 'read',
  permission: { resource: 'agents', action: 'read' },
  input: z.object({ status: agentItem.shape.status.optional().describe('only agents in this state') }),
  output: agentItem,
  http: { method: 'GET', path: '/api/agents' },
  cli: { short: { status: 's' }, columns: ['name', 'status', 'version', 'phase', 'inFlight', 'summary'] },
  list: {
    fields: { name: 'string', type: 'string', status: 'string', version: 'number', createdAt: 'time', updatedAt: 'time' },
    search: ['name', 'summary'],
    defaultSort: 'name',
  },
  examples: [
    { summary: 'all agents', input: {} },
    { summary: 'those that are running a call', input: { status: 'busy' } },
  ],
  handler: () => import('./agent.ts').then((m) => m.list),
});

export const status = operation({
  name: 'agents:status',
  summary: 'state, version, metrics, queue, current task',
  kind: 'read',
  permission: { resource: 'agents', action: 'read' },
  input: z.object({ agent }),
  output: agentItem.extend({
    contract: contractView.nullable().describe('the live contract, as data'),
    config: z.record(z.string(), z.unknown()).describe('as it was given'),
    metrics: z.record(z.string(), z.unknown()).describe('as they were reported'),
    path: z.enum(['sync', 'async']).nullable().describe('the way its calls take into their sandbox host'),
    figures: figures.nullable().describe('calls of the live version over the last two minutes'),
    feedback: z
      .object({ good: z.int(), bad: z.int() })
      .nullable()
      .describe('what people said of calls of the live version (agents:feedback)'),
    rollout: rollout.nullable(),
    strikes: z.int().describe('sandbox hosts that the live version has ended within ten minutes; three put it into quarantine'),
    restingUntil: z
      .string()
      .nullable()
      .describe('the live version ended too many sandbox hosts, there is none before it to go back to, and it is not called until then'),
    quarantined: z.array(
      z
        .object({ hash: z.string(), reason: z.string(), strikes: z.int(), at: z.string() })
        .describe('versions that do not go live by themselves'),
    ),
    frozenKeys: z.int().describe('instances whose state could not go back with a rollback: another version answers them'),
    frozen: z
      .array(
        z.object({
          key: z.string(),
          version: z.int().nullable().describe('the version that answers it'),
          stateVersion: z.int(),
          reason: z.string().describe('why its state could not go back'),
          since: z.string(),
          kept: z.boolean().describe('it was decided that it stays so; else: code:rollback --frozen discard, or keep'),
        }),
      )
      .describe('the first hundred of them'),
  }),
  http: { method: 'GET', path: '/api/agents/:agent' },
  cli: ID_FLAG,
  examples: [{ summary: 'how the packer is doing', input: { agent: 'packer' } }],
  handler: () => import('./agent.ts').then((m) => m.status),
});

const files = z.record(z.string(), z.string()).describe('path in the folder → text');

export const create = operation({
  name: 'agents:create',
  summary: 'create an agent from a folder with contract.ts and agent.ts',
  description:
    'The folder is uploaded and goes through the same gate as every version: compile, policy, contract, contract tests. Its first version is live when the answer comes.',
  kind: 'write',
  permission: { resource: 'agents', action: 'write' },
  input: z.object({
    name: agentName.optional().describe('default: the name in the contract; another one is refused'),
    type: z.enum(['worker', 'scheduler', 'monitor', 'custom']).default('worker'),
    from: files.describe('folder of the agent'),
    config: z.record(z.string(), z.unknown()).optional().describe('settings kept with the agent'),
  }),
  output: agentItem,
  http: { method: 'POST', path: '/api/agents', status: 201 },
  cli: { upload: { from: 'folder' }, short: { name: 'n', type: 't', config: 'c' } },
  examples: [{ summary: 'from a folder of your own', input: { from: './my-agent' } }],
  handler: () => import('./agent.ts').then((m) => m.create),
});

export const start = operation({
  name: 'agents:start',
  summary: 'start the worker of an agent',
  kind: 'write',
  idempotent: true,
  permission: { resource: 'agents', action: 'write' },
  input: z.object({ agent }),
  output: agentItem,
  http: { method: 'POST', path: '/api/agents/:agent/start' },
  cli: ID_FLAG,
  examples: [{ summary: 'start a stopped agent', input: { agent: 'packer' } }],
  handler: () => import('./agent.ts').then((m) => m.start),
});

export const stop = operation({
  name: 'agents:stop',
  summary: 'stop the worker: calls in flight end first, 10 s at most',
  kind: 'write',
  idempotent: true,
  permission: { resource: 'agents', action: 'write' },
  input: z.object({ agent, force: z.boolean().default(false).describe('do not wait for calls in flight') }),
  output: agentItem,
  http: { method: 'POST', path: '/api/agents/:agent/stop' },
  cli: { ...ID_FLAG, short: { agent: 'i', force: 'f' } },
  examples: [{ summary: 'stop an agent', input: { agent: 'packer' } }],
  handler: () => import('./agent.ts').then((m) => m.stop),
});

export const config = operation({
  name: 'agents:config',
  dryRun: true,
  summary: 'set a key of the settings kept with an agent',
  kind: 'write',
  permission: { resource: 'agents', action: 'write' },
  input: z.object({
    agent,
    key: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,199}$/, { error: 'letters, digits and "._:/-", at most 200, the first a letter or digit' }),
    value: z.unknown().describe('JSON; what is not JSON is taken as text'),
  }),
  output: z.object({ agent: z.string(), config: z.record(z.string(), z.unknown()), applied: z.boolean() }),
  http: { method: 'PATCH', path: '/api/agents/:agent' },
  cli: { ...ID_FLAG, short: { agent: 'i', key: 'k', value: 'v' } },
  examples: [{ summary: 'note who owns it', input: { agent: 'packer', key: 'owner', value: 'logistics' } }],
  handler: () => import('./agent.ts').then((m) => m.config),
});

export const metrics = operation({
  name: 'agents:metrics',
  dryRun: true,
  summary: 'merge reported metrics or outcomes into the agent',
  kind: 'write',
  permission: { resource: 'agents', action: 'write' },
  input: z.object({ agent, metrics: z.record(z.string(), z.json()).describe('merged into what is there; null takes a member out') }),
  output: z.object({ agent: z.string(), metrics: z.record(z.string(), z.unknown()), applied: z.boolean() }),
  http: { method: 'POST', path: '/api/agents/:agent/metrics' },
  cli: ID_FLAG,
  examples: [{ summary: 'report an outcome', input: { agent: 'packer', metrics: { pallets_saved: 12 } } }],
  handler: () => import('./agent.ts').then((m) => m.metrics),
});

export const logs = operation({
  name: 'agents:logs',
  summary: 'log lines of an agent, newest last',
  kind: 'read',
  stream: true,
  eventId: 'sequence',
  permission: { resource: 'agents', action: 'read' },
  input: z.object({
    agent,
    lines: z.int().min(0).max(1_000).default(50),
    follow: z.boolean().default(false).describe('go on with new lines as they come'),
  }),
  output: z.object({
    sequence: z.int().describe('resume after it with Last-Event-ID'),
    at: z.string(),
    level: z.string(),
    message: z.string(),
    fields: z.record(z.string(), z.unknown()).describe('as they were logged'),
  }),
  http: { method: 'GET', path: '/api/agents/:agent/logs' },
  cli: { ...ID_FLAG, short: { agent: 'i', lines: 'n', follow: 'f' }, follow: 'follow' },
  examples: [
    { summary: 'the last 50 lines', input: { agent: 'packer' } },
    { summary: 'watch them come', input: { agent: 'packer', follow: true } },
  ],
  access: () => import('./agent.ts').then((m) => m.isThere),
  handler: () => import('./agent.ts').then((m) => m.logs),
});

export const invoke = operation({
  name: 'agents:invoke',
  keyed: true,
  events: true,
  audit: false,
  summary: 'call an agent',
  description:
    'Runs one export of the live version, or of a pinned one, in the sandbox. With an Idempotency-Key the same call is answered once and then repeated from its record. The answer says which version gave it. What a streaming export yields is the list `data`; whoever accepts server-sent events gets it while it runs. A call that waits for an answer or sleeps for long is parked: it is answered with 202 and goes on by itself.',
  kind: 'write',
  permission: { resource: 'agents', action: 'invoke' },
  input: z.object({
    agent,
    input: z.unknown().describe('JSON, checked against the contract'),
    key: z
      .string()
      .min(1)
      .max(200)
      // Two that differ in such characters only would be one in the database.
      .refine((key) => key.isWellFormed() && !key.includes('\0'), 'NUL and halves of surrogate pairs can not be in a key')
      .optional()
      .describe('instance of a stateful agent; default "default"'),
    export: z.string().max(64).default('handle'),
    version: z
      .string()
      .max(64)
      .optional()
      .describe('a version number, or the beginning of a hash: runs there instead of on the live version'),
  }),
  output: z.object({
    data: z.unknown().optional().describe('what the export gave, as its contract says; of a stream the list of its chunks'),
    state: z.literal('parked').optional().describe('the call waits for what comes later, and there is no data yet (status 202)'),
    open: z.array(waitItem).optional().describe('what a parked call waits for'),
    hint: z.string().optional().describe('of a parked call: how to go on'),
    callId: z.string(),
    version: z.int(),
    hash: z.string(),
    durationMs: z.number().optional(),
    recorded: z.boolean().optional().describe('the call is kept with its journal, and can be replayed'),
    streamed: z.boolean().optional().describe('the export is an async generator: data is the list of its chunks'),
    replayed: z.boolean().optional().describe('the answer of an earlier call with the same idempotency key'),
  }),
  http: {
    method: 'POST',
    path: '/api/agents/:agent/invoke',
    raw: { contentType: 'application/json' },
    statusOf: ({ state }) => (state === 'parked' ? 202 : 200),
  },
  cli: { ...ID_FLAG, positionals: ['agent', 'input'] },
  examples: [
    { summary: 'pack one item', input: { agent: 'packer', input: { item: 37, capacity: 100 }, key: 'truck-7' } },
    { summary: 'on an older version', input: { agent: 'packer', input: { item: 37, capacity: 100 }, version: 'v1' } },
  ],
  handler: () => import('./agent-call.ts').then((m) => m.invoke),
});

export const improve = operation({
  name: 'agents:improve',
  summary: 'make a better version of an agent',
  description:
    'Queues an improvement: a proposer writes candidates, the gate scores them on data they never saw, the winner is hot-swapped, watched, and taken back by itself if it is worse. The same request again is the same improvement, until that has ended.',
  kind: 'write',
  permission: { resource: 'improvements', action: 'write' },
  input: z.object({
    agent,
    proposer: z.string().max(64).optional().describe('default: the best that is available; genetic needs nothing'),
    budget: z.string().default('60s').describe('time to search, for example 60s or 5m'),
    goal: z.string().max(4_000).optional().describe('what to aim at, for proposers that read'),
    seed: z.int().min(0).max(4_294_967_295).optional().describe('of the search; drawn when not given'),
  }),
  output: improvementItem,
  http: { method: 'POST', path: '/api/agents/:agent/improvements', status: 202 },
  cli: { ...ID_FLAG, watch: { operation: 'improvements:watch', input: { id: 'id' } } },
  examples: [
    { summary: 'a minute of genetic search; add --follow to stay with it', input: { agent: 'packer', proposer: 'genetic', budget: '60s' } },
  ],
  handler: improveHandler,
});
