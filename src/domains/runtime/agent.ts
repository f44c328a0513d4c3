// Handlers of agents:* but for the call itself.
import { SeedError } from '#lib/error.ts';
import type { DesiredRow } from '#kernel/rollout/desired-state.ts';
import type { OperationContext, PageInput } from '#operation/operation.ts';
import { pageOf } from '../operation.ts';
import type { NodePorts } from '../ports.ts';
import type { AgentState } from './agent-directory.ts';
import { countFeedback } from './feedback-store.ts';
import { frozenOf } from './frozen.ts';
import { logLines } from './log-line.ts';
import { checkKept, deleteUnborn, insertAgent, listAgents, mergeKept, updateAgent, type AgentRow } from './store.ts';

type Context = OperationContext<NodePorts>;

async function item(row: AgentRow, { ports }: Context) {
  const worker = ports.agents.worker(row.name);
  return {
    name: row.name,
    type: row.type,
    summary: row.summary,
    status: await ports.agents.state(row),
    version: worker?.live?.number ?? null,
    hash: worker?.live?.hash ?? null,
    phase: worker === null ? null : (ports.agents.rollout(row.name).row?.phase ?? null),
    inFlight: worker === null ? 0 : await worker.inFlight(),
    waiting: worker?.waiting ?? 0,
    node: ports.node.id,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

export async function list(input: PageInput & { status?: AgentState }, context: Context) {
  const rows = await listAgents(context.ports.database);
  const items = await Promise.all(rows.map((row) => item(row, context)));
  const wanted = input.status === undefined ? items : items.filter((one) => one.status === input.status);
  return pageOf(wanted, input, context);
}

export async function status(input: { agent: string }, context: Context) {
  const { ports } = context;
  const row = await ports.agents.get(input.agent);
  const live = ports.agents.worker(row.name)?.live ?? null;
  const restingMs = live?.strikes.restingMs ?? 0;
  const quarantined = await ports.agents.quarantine.list(row.name);
  return {
    ...(await item(row, context)),
    contract: live?.contract ?? null,
    config: row.config,
    metrics: row.metrics,
    path: live?.path.path ?? null,
    figures: live?.stats.figures() ?? null,
    feedback: live === null ? null : await countFeedback(ports.database, row.name, live.hash),
    rollout: live === null ? null : rolloutOf(ports.agents.rollout(row.name).row),
    strikes: live?.strikes.count ?? 0,
    restingUntil: restingMs === 0 ? null : new Date(context.nowMs + restingMs).toISOString(),
    quarantined: quarantined.map(({ hash, reason, strikes, at }) => ({ hash, reason, strikes, at })),
    ...(await frozenOf(row.name, ports)),
  };
}

function rolloutOf(row: DesiredRow | null) {
  if (row === null) return null;
  const { deadlineMs, ...rest } = row;
  return { ...rest, observedUntil: deadlineMs === null ? null : new Date(deadlineMs).toISOString() };
}

export async function create(
  input: { name?: string; type: string; from: Readonly<Record<string, string>>; config?: Record<string, unknown> },
  context: Context,
) {
  const { ports, principal } = context;
  if (input.config !== undefined) checkKept('the config', input.config);
  const built = await ports.stager.build({ sources: input.from });
  const { contract } = built;
  if (input.name !== undefined && input.name !== contract.name) {
    throw new SeedError('invalid_input', `the contract is for ${JSON.stringify(contract.name)}, not for ${JSON.stringify(input.name)}`, {
      hint: 'leave the name out, or change it in contract.ts',
    });
  }
  await ports.stager.check(built);
  const owner = { kind: principal.kind, id: principal.id };
  const inserted = await insertAgent(ports.database, {
    name: contract.name,
    type: input.type,
    summary: contract.summary,
    source: 'upload',
    owner,
  });
  if (!inserted) {
    throw new SeedError('conflict', `there is an agent ${JSON.stringify(contract.name)} already`, {
      hint: `for a new version: seed code:stage ${contract.name} --from <folder>`,
    });
  }
  if (input.config !== undefined) await updateAgent(ports.database, contract.name, { config: input.config });
  const first = { agent: contract.name, parent: null, proposer: 'manual', note: '', reports: {}, principal: owner };
  const staged = await ports.stager.keep(built, first).catch(async (error: unknown) => {
    // A full disk, for example: whoever sends it again must find the name free.
    await deleteUnborn(ports.database, contract.name);
    throw error;
  });
  await ports.agents.start(contract.name);
  await ports.agents.rollout(contract.name).promote({ hash: staged.artifact.hash, principal: owner, reason: 'first version' });
  return item(await ports.agents.get(contract.name), context);
}

export async function start(input: { agent: string }, context: Context) {
  await context.ports.agents.get(input.agent);
  await context.ports.agents.start(input.agent);
  return item(await context.ports.agents.get(input.agent), context);
}

export async function stop(input: { agent: string; force: boolean }, context: Context) {
  await context.ports.agents.get(input.agent);
  await context.ports.agents.stop(input.agent, input.force);
  return item(await context.ports.agents.get(input.agent), context);
}

export async function config(input: { agent: string; key: string; value: unknown }, { ports, dryRun }: Context) {
  const { name } = await ports.agents.get(input.agent);
  const patch = { [input.key]: input.value };
  return { agent: name, config: await mergeKept(ports.database, name, { column: 'config', patch, dryRun }), applied: !dryRun };
}

export async function metrics(input: { agent: string; metrics: Record<string, unknown> }, { ports, dryRun }: Context) {
  const { name } = await ports.agents.get(input.agent);
  const patch = input.metrics;
  return { agent: name, metrics: await mergeKept(ports.database, name, { column: 'metrics', patch, dryRun }), applied: !dryRun };
}

/** Before a stream of it begins. @throws SeedError `not_found` with the nearest name */
export async function isThere(input: { agent: string }, { ports }: Context): Promise<boolean> {
  await ports.agents.get(input.agent);
  return true;
}

export function logs(input: { agent: string; lines: number; follow: boolean }, { ports, signal, lastEventId }: Context) {
  const { lines, follow } = input;
  return logLines(ports.logs, { agent: input.agent }, { lines, follow, signal, lastEventId });
}
