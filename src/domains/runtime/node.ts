// Handlers of system:*.
import type { HealthReport } from '#kernel/health.ts';
import { SeedError } from '#lib/error.ts';
import { parseDuration } from '#lib/duration.ts';
import type { OperationContext } from '#operation/operation.ts';
import { allows } from '#operation/principal.ts';
import type { ChildDescription } from '#kernel/supervisor/description.ts';
import type { LogLevel } from '#telemetry/log-level.ts';
import { pauseOf } from '../evolution/index.ts';
import type { NodePorts } from '../ports.ts';
import { logLines } from './log-line.ts';
import { metricsOf } from './metrics-text.ts';

type Context = OperationContext<NodePorts>;

interface TreeRow {
  child: string;
  path: string;
  status: string;
  pid: number | null;
  uptimeSeconds: number | null;
  restarts: number;
  memoryMb: number | null;
  lastExit: string | null;
}

export async function status(input: { detailed: boolean }, { ports, nowMs }: Context) {
  const { node, database, health } = ports;
  const [memoryBytes, tree, deep, info, sandbox, paused] = await Promise.all([
    ports.memoryBytes(),
    ports.tree(),
    health.deep(),
    database.info(),
    ports.sandboxLayers(),
    pauseOf(database),
  ]);
  const { user, system } = process.cpuUsage();
  return {
    version: node.version,
    nodeVersion: process.version,
    node: node.id,
    role: 'node',
    mode: node.mode,
    pid: process.pid,
    startedAt: new Date(node.startedAtMs).toISOString(),
    // Of a clock that nobody sets, unlike the one that says when it started.
    uptimeSeconds: Math.round(process.uptime()),
    memoryBytes,
    cpuSeconds: (user + system) / 1e6,
    queueDepth: deep.report.queue_depth ?? 0,
    improvementsPaused: paused,
    database: { engine: info.engine, version: info.version, state: database.state(), sizeBytes: info.sizeBytes },
    tree: rows(tree, { nowMs, above: [] }),
    sandbox,
    hosts: ports.hosts(),
    calls: await hotCalls(ports),
    ...(input.detailed
      ? { settings: ports.settings.config.settings.map(({ name, value, origin }) => ({ key: name, value, origin })) }
      : {}),
  };
}

export async function health(input: { fix: boolean; report: boolean }, { ports, principal }: Context) {
  // Anybody may look, and most learn only the status; repairing is for those who may change something.
  const fixed = input.fix && allows(principal, 'system', 'write') ? await repair(ports) : undefined;
  const [{ report }, sandbox] = await Promise.all([ports.health.deep(), ports.sandboxLayers()]);
  return { ...report, sandbox, ...(fixed === undefined ? {} : { fixed }), ...(input.report ? { text: reportText(report) } : {}) };
}

/** Files of the code cache from the durable copy, and agents that should run and do not. @returns what was done */
async function repair(ports: NodePorts): Promise<string[]> {
  const done: string[] = [];
  const { findings } = await ports.codeStore.verify({ repair: true });
  done.push(...findings.map(({ agent, problem, repaired }) => `${agent}: ${problem}${repaired ? ', repaired' : ', not repaired'}`));
  for (const name of ports.agents.names()) {
    const row = await ports.agents.get(name);
    if (row.desired !== 'running' || ports.agents.worker(name) !== null) continue;
    await ports.agents.start(name);
    done.push(`${name}: started`);
  }
  return done;
}

function reportText(report: HealthReport): string {
  const checks = Object.entries(report.checks).map(([name, [check]]) => {
    const seen = check.observedValue === undefined ? '' : ` ${check.observedValue} ${check.observedUnit ?? ''}`.trimEnd();
    return `${check.status.padEnd(4)}  ${name}${seen}${check.output === undefined ? '' : `: ${check.output}`}`;
  });
  return [`${report.node} is ${report.status} at ${report.system_time}`, ...checks].join('\n');
}

/** A minute. */
const HOT_MS = 60_000;

export function ping() {
  return { status: 'ok' as const };
}

export async function metrics(input: { type: 'all' | 'seed' | 'process' | 'growth'; period: string; json: boolean }, { ports }: Context) {
  const text = await (input.type === 'growth' ? ports.metricsIncrease(parseDuration(input.period)) : ports.metricsText(input.type));
  return input.json ? { metrics: metricsOf(text) } : text;
}

export function logs(input: { level?: LogLevel; module?: string; tail: number; follow: boolean }, { ports, signal, lastEventId }: Context) {
  const filter = {
    ...(input.level === undefined ? {} : { level: input.level }),
    ...(input.module === undefined ? {} : { module: input.module }),
  };
  return logLines(ports.logs, filter, { lines: input.tail, follow: input.follow, signal, lastEventId });
}

/** The most called first. */
async function hotCalls(ports: NodePorts) {
  const workers = ports.runtime.workers();
  const rows = await Promise.all(
    workers.map(async (worker) => {
      const figures = worker.live?.stats.figures(HOT_MS);
      return {
        agent: worker.agent,
        version: worker.live?.number ?? null,
        perSecond: Math.round(((figures?.calls ?? 0) * 10_000) / HOT_MS) / 10,
        p95Ms: figures?.p95Ms ?? null,
        errorRate: figures?.errorRate ?? 0,
        inFlight: await worker.inFlight(),
        waiting: worker.waiting,
      };
    }),
  );
  return rows.toSorted((a, b) => b.perSecond - a.perSecond || a.agent.localeCompare(b.agent));
}

export async function restart(input: { force: boolean; child?: string; stop: boolean }, { ports, dryRun }: Context) {
  if (input.child === undefined) {
    if (input.stop) throw new SeedError('invalid_input', 'only a child can be stopped', { hint: 'the whole node: kill -TERM its process' });
    if (!dryRun) ports.restart({ force: input.force });
  } else await ports.restartChild(input.child, { stop: input.stop, dryRun });
  return { restarting: !dryRun && !input.stop, applied: !dryRun };
}

export function heartbeatReset(_input: object, { ports }: Context) {
  return { cleared: ports.resetRestartCounters(), applied: true };
}

/** The tree as rows, in the order of a walk from its root. */
function rows(child: ChildDescription, options: { nowMs: number; above: readonly string[] }): TreeRow[] {
  const { nowMs, above } = options;
  const path = [...above, child.id];
  const row = {
    child: `${'  '.repeat(above.length)}${child.id}`,
    path: path.join('/'),
    status: child.status,
    pid: child.pid,
    uptimeSeconds: child.startedAt === null ? null : Math.max(0, Math.round((nowMs - Date.parse(child.startedAt)) / 1000)),
    restarts: child.restarts,
    memoryMb: child.memoryBytes === undefined ? null : Math.round(child.memoryBytes / 1_048_576),
    lastExit: child.lastExit === null ? null : (child.lastExit.message ?? child.lastExit.kind),
  };
  return [row, ...(child.children ?? []).flatMap((below) => rows(below, { nowMs, above: path }))];
}
