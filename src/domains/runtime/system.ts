// system:* — the node itself.
import { z } from 'zod';
import { SANDBOX_LAYERS } from '#kernel/sandbox/layer-names.ts';
import { operationsWith, type Operation } from '#operation/operation.ts';
import { pauseView } from '../evolution/index.ts';
import { operation } from '../operation.ts';
import type { TerminalPorts } from './observe.ts';

const nothing = z.object({});

const treeRow = z.object({
  child: z.string().describe('id, two spaces in for each supervisor above it'),
  path: z.string(),
  status: z.string(),
  pid: z.int().nullable().describe('of a child that is a process of its own'),
  uptimeSeconds: z.int().nullable(),
  restarts: z.int(),
  memoryMb: z.int().nullable(),
  lastExit: z.string().nullable(),
});

const hostRow = z.object({
  host: z.string().describe('serving, validator or evaluator'),
  pid: z.int(),
  isolates: z.int(),
  executing: z.int().describe('isolates whose code runs right now, on threads of their own'),
  calls: z.int().describe('calls without an answer yet'),
  versions: z.int().describe('versions that are loaded'),
  memoryMb: z.int().nullable(),
  lagMs: z.number().describe('how long it took to answer the last time it was asked for a sign of life'),
});

const callRow = z.object({
  agent: z.string(),
  version: z.int().nullable(),
  perSecond: z.number().describe('calls of the live version in the last minute'),
  p95Ms: z.number().nullable(),
  errorRate: z.number(),
  inFlight: z.int(),
  waiting: z.int().describe('calls that wait for the turn of their instance'),
});

const layer = z.object({
  layer: z.enum(SANDBOX_LAYERS),
  present: z.boolean().nullable().describe('null: it can not be told'),
  detail: z.string(),
});
const sandbox = z.array(layer).describe("what stands between agents' code and this machine, as it is found at the hosts that run");

/** Of the health+json form, names as that form has them. */
const check = z
  .record(z.string(), z.union([z.string(), z.number()]))
  .describe('in the health+json form: componentType, status, time, observedValue, observedUnit, output');

export const status = operation({
  name: 'system:status',
  aliases: ['heartbeat:status'],
  summary: 'version, uptime, node, mode, memory, cpu, supervision tree',
  kind: 'read',
  permission: { resource: 'system', action: 'read' },
  input: z.object({ detailed: z.boolean().default(false).describe('with the settings in effect') }),
  output: z.object({
    version: z.string(),
    nodeVersion: z.string(),
    node: z.string(),
    role: z.string(),
    mode: z.enum(['embedded', 'cluster']),
    pid: z.int(),
    startedAt: z.string(),
    uptimeSeconds: z.number(),
    memoryBytes: z.int().describe('resident, of the whole process tree'),
    cpuSeconds: z.number(),
    queueDepth: z.int(),
    improvementsPaused: pauseView.nullable().describe('no improvement runs until improvements:resume; null: they run'),
    database: z.object({ engine: z.string(), version: z.string(), state: z.string(), sizeBytes: z.int() }),
    tree: z.array(treeRow).describe('supervision tree, each child behind its supervisor'),
    sandbox,
    hosts: z.array(hostRow).describe('sandbox hosts that run now'),
    calls: z.array(callRow).describe('agents by how much they are called'),
    settings: z
      .array(z.object({ key: z.string(), value: z.union([z.string(), z.number(), z.boolean()]).nullable(), origin: z.string() }))
      .optional(),
  }),
  http: { method: 'GET', path: '/api/system/status' },
  cli: { short: { detailed: 'd' } },
  examples: [{ summary: 'how the node is', input: {} }],
  handler: () => import('./node.ts').then((m) => m.status),
});

export const health = operation({
  name: 'system:health',
  summary: 'deep health: queue depth and status, cluster nodes, store, database, disk, checks',
  description: 'Without a token it answers its code and {status} alone. 503 when the queue is full or this node itself is at fault.',
  kind: 'read',
  permission: { resource: 'system', action: 'read' },
  input: z.object({
    fix: z
      .boolean()
      .default(false)
      .describe('first repair what the node can repair itself: damaged cache files, agents that should run and do not'),
    report: z.boolean().default(false).describe('with a text for people'),
  }),
  output: z.object({
    status: z.enum(['ok', 'warning', 'degraded']),
    cluster_nodes: z.array(z.string()).describe('ids of the other nodes that are present'),
    queue_depth: z.int().nullable().describe('improvements that wait or run; null: it could not be read'),
    queue_status: z.enum(['empty', 'active', 'high', 'full', 'unknown']),
    memory: z
      .object({ total: z.int(), processes: z.int(), system: z.int(), binary: z.int() })
      .describe('bytes; total: the whole process tree; system: this process; processes: the others; binary: buffers'),
    system_time: z.string(),
    node: z.string(),
    checks: z.record(z.string(), z.array(check)),
    sandbox,
    fixed: z.array(z.string()).optional().describe('what was repaired'),
    text: z.string().optional(),
  }),
  http: {
    method: 'GET',
    path: '/health/deep',
    public: true,
    raw: { contentType: 'application/health+json' },
    statusOf: (report) => (report['status'] === 'degraded' ? 503 : 200),
  },
  cli: { short: { report: 'r' } },
  examples: [
    { summary: 'all checks', input: {} },
    { summary: 'repair what can be repaired', input: { fix: true } },
  ],
  handler: () => import('./node.ts').then((m) => m.health),
});

export const ping = operation({
  name: 'system:ping',
  summary: 'liveness: {"status":"ok"}, touches nothing',
  kind: 'read',
  permission: { resource: 'system', action: 'read' },
  input: nothing,
  output: z.object({ status: z.literal('ok') }),
  http: { method: 'GET', path: '/health', public: true, raw: { contentType: 'application/json' } },
  examples: [{ summary: 'is it there?', input: {} }],
  handler: () => import('./node.ts').then((m) => m.ping),
});

const metric = z.object({
  name: z.string(),
  type: z.string().nullable(),
  help: z.string().nullable(),
  samples: z.array(
    z.object({
      name: z.string().describe('longer than the name of the metric where it has parts: _bucket, _sum, _count'),
      labels: z.record(z.string(), z.string()),
      value: z.number().nullable().describe('null: not a number'),
    }),
  ),
});

export const metrics = operation({
  name: 'system:metrics',
  summary: 'metrics of this node, as Prometheus text or JSON',
  kind: 'read',
  permission: { resource: 'metrics', action: 'read' },
  input: z.object({
    type: z
      .enum(['all', 'seed', 'process', 'growth'])
      .default('all')
      .describe('seed: our own; process: of the Node.js process; growth: how much the counters grew within the period'),
    period: z.string().default('1h').describe('of growth, for example 10m; at most 1h'),
    json: z.boolean().default(false).describe('as JSON, instead of the text that Prometheus reads'),
  }),
  output: z.union([z.string(), z.object({ metrics: z.array(metric) })]),
  http: { method: 'GET', path: '/metrics', raw: { contentType: 'text/plain; version=0.0.4; charset=utf-8' } },
  cli: { short: { type: 't', period: 'p' } },
  examples: [
    { summary: 'what a scraper reads', input: {} },
    { summary: 'how much happened in ten minutes', input: { type: 'growth', period: '10m', json: true } },
  ],
  handler: () => import('./node.ts').then((m) => m.metrics),
});

export const logs = operation({
  name: 'system:logs',
  summary: 'log lines of the node, newest last',
  kind: 'read',
  stream: true,
  eventId: 'sequence',
  permission: { resource: 'system', action: 'read' },
  input: z.object({
    level: z.enum(['debug', 'info', 'warn', 'error']).optional().describe('this level and above'),
    module: z.string().max(64).optional(),
    tail: z.int().min(0).max(1_000).default(100),
    follow: z.boolean().default(false).describe('go on with new lines as they come'),
  }),
  output: z.object({
    sequence: z.int().describe('resume after it with Last-Event-ID'),
    at: z.string(),
    level: z.string(),
    module: z.string(),
    message: z.string(),
    fields: z.record(z.string(), z.unknown()).describe('as they were logged'),
  }),
  http: { method: 'GET', path: '/api/system/logs' },
  cli: { short: { level: 'l', module: 'm', tail: 't', follow: 'f' }, follow: 'follow' },
  examples: [{ summary: 'warnings and errors, as they come', input: { level: 'warn', follow: true } }],
  handler: () => import('./node.ts').then((m) => m.logs),
});

export const restart = operation({
  name: 'system:restart',
  dryRun: true,
  summary: 'restart the node process: drain, stop in order, start again',
  kind: 'dangerous',
  permission: { resource: 'system', action: 'restart' },
  input: z.object({
    force: z.boolean().default(false).describe('do not wait for calls in flight'),
    child: z
      .string()
      .max(500)
      .optional()
      .describe('only this child, by its path in system:status: a sandbox host, or an agent; the rest stand on each other'),
    stop: z.boolean().default(false).describe('of a child: end it and leave it so, until it is restarted'),
  }),
  output: z.object({ restarting: z.boolean(), applied: z.boolean() }),
  http: { method: 'POST', path: '/api/system/restart', status: 202 },
  cli: { short: { force: 'f' } },
  examples: [
    { summary: 'after a change of settings', input: {} },
    { summary: 'one sandbox host', input: { child: 'root/node/sandbox/serving-1' } },
  ],
  handler: () => import('./node.ts').then((m) => m.restart),
});

export const heartbeatReset = operation({
  name: 'system:heartbeat:reset',
  aliases: ['heartbeat:reset'],
  summary: 'clear the restart counters of the supervision tree',
  kind: 'write',
  permission: { resource: 'system', action: 'write' },
  input: nothing,
  output: z.object({ cleared: z.int().describe('restarts that were counted'), applied: z.boolean() }),
  http: { method: 'POST', path: '/api/system/heartbeat/reset' },
  examples: [{ summary: 'after a repair', input: {} }],
  handler: () => import('./node.ts').then((m) => m.heartbeatReset),
});

export const observe: Operation<TerminalPorts> = operationsWith<TerminalPorts>()({
  name: 'system:observe',
  summary: 'live terminal view of the supervision tree, hosts and hot calls; restarts and stops children',
  description:
    'Needs a terminal, also one over ssh. Arrow keys or j and k choose a child, r restarts it, s stops it (both ask first), p pauses, q leaves.',
  kind: 'local',
  permission: { resource: 'system', action: 'read' },
  input: z.object({ every: z.string().default('1s').describe('how often it looks again, 200ms to 60s') }),
  output: z.string(),
  http: null,
  examples: [{ summary: 'every two seconds', input: { every: '2s' } }],
  handler: () => import('./observe.ts').then((m) => m.observe),
});
