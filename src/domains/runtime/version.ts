// Handlers of code:*: stage, check, make live, bring back, collect.
import { parseDuration } from '#lib/duration.ts';
import { SeedError, toSeedError } from '#lib/error.ts';
import type { Version } from '#kernel/code-store/code-store.ts';
import type { Rehearsal } from '#kernel/runtime/state-rehearsal.ts';
import type { Swapped } from '#kernel/rollout/rollout.ts';
import { liveHash, type DesiredRow } from '#kernel/rollout/desired-state.ts';
import type { Quarantined } from '#kernel/rollout/quarantine.ts';
import type { OperationContext, PageInput } from '#operation/operation.ts';
import { pageOf } from '../operation.ts';
import type { NodePorts } from '../ports.ts';
import { sizeOf } from './artifact-store.ts';
import { decide } from './frozen.ts';
import { listVersions, type VersionRow } from './store.ts';

type Context = OperationContext<NodePorts>;

interface Described {
  row: VersionRow;
  desired: DesiredRow | null;
  cached: ReadonlySet<string>;
  quarantined: readonly Quarantined[];
}

function item({ row, desired, cached, quarantined }: Described) {
  return {
    agent: row.agent,
    version: row.number,
    hash: row.hash,
    status: statusOf(row, desired),
    verdict: row.verdict,
    quarantined: quarantined.find(({ hash }) => hash === row.hash)?.reason ?? null,
    reason: row.verdictReason === '' ? row.note : row.verdictReason,
    proposer: row.proposer,
    parent: row.parent,
    sizeBytes: row.sizeBytes,
    cached: cached.has(row.hash),
    createdAt: row.createdAt.toISOString(),
    liveAt: row.liveAt?.toISOString() ?? null,
  };
}

function statusOf(row: VersionRow, desired: DesiredRow | null): 'active' | 'previous' | 'staged' | 'rejected' | 'retired' {
  if (desired !== null && liveHash(desired) === row.hash) return 'active';
  if (desired?.previous === row.hash || desired?.stable === row.hash) return 'previous';
  if (row.verdict === 'staged') return 'staged';
  return row.verdict === 'rejected' ? 'rejected' : 'retired';
}

async function desiredOf(agent: string, { ports }: Context): Promise<DesiredRow | null> {
  return ports.agents.worker(agent) === null ? null : ports.agents.rollout(agent).row;
}

/** Every version with its place in the world. */
export async function describeAll(agent: string, context: Context): Promise<ReturnType<typeof item>[]> {
  const { ports } = context;
  await ports.agents.get(agent);
  const [rows, desired, cached, quarantined] = await Promise.all([
    listVersions(ports.database, agent),
    desiredOf(agent, context),
    ports.codeStore.cached(agent),
    ports.agents.quarantine.list(agent),
  ]);
  return rows.map((row) => item({ row, desired, cached, quarantined }));
}

export async function list(input: PageInput & { agent: string }, context: Context) {
  return pageOf(await describeAll(input.agent, context), input, context);
}

export async function get(input: { agent: string; version: string }, context: Context) {
  const found = await find(input.agent, input.version, context);
  const { artifact } = await context.ports.codeStore.load(found.agent, found.hash);
  return { ...found, manifest: artifact.manifest, files: artifact.sources };
}

async function find(agent: string, version: string, context: Context): Promise<ReturnType<typeof item>> {
  const all = await describeAll(agent, context);
  const { hash } = await resolve(agent, version, context);
  const found = all.find((one) => one.hash === hash);
  if (found === undefined) throw new SeedError('not_found', `${agent} has no version ${JSON.stringify(version)}`);
  return found;
}

/** v3, 3, the beginning of a hash, `active`, `previous`. @throws SeedError `not_found` */
export async function resolve(agent: string, version: string, context: Context): Promise<{ hash: string; number: number }> {
  const { ports } = context;
  if (version === 'active' || version === 'previous') {
    const desired = await desiredOf(agent, context);
    const hash = version === 'active' ? (desired === null ? null : liveHash(desired)) : desired?.previous;
    if (hash === null || hash === undefined) throw new SeedError('not_found', `${agent} has no ${version} version`);
    return ports.codeStore.resolve(agent, hash);
  }
  return ports.codeStore.resolve(agent, version);
}

/** The files of the base version with the given ones in their place. */
async function sourcesFor(input: { agent: string; from: Readonly<Record<string, string>>; base?: string }, context: Context) {
  const { ports } = context;
  // Who is running is there.
  if (ports.agents.worker(input.agent) === null) await ports.agents.get(input.agent);
  const desired = await desiredOf(input.agent, context);
  const live = desired === null ? null : liveHash(desired);
  const baseHash = input.base === undefined ? live : (await resolve(input.agent, input.base, context)).hash;
  if (baseHash === null) return { sources: input.from, parent: null };
  const serving = ports.agents.worker(input.agent)?.live;
  const { artifact } = serving?.hash === baseHash ? serving : await ports.codeStore.load(input.agent, baseHash);
  return { sources: { ...artifact.sources, ...input.from }, parent: baseHash };
}

export async function validate(input: { agent: string; from: Readonly<Record<string, string>>; base?: string }, context: Context) {
  const { ports } = context;
  const { sources } = await sourcesFor(input, context);
  const stages: { stage: string; ok: boolean; durationMs: number; report: unknown }[] = [];
  const stage = async <T>(name: string, work: () => Promise<T>): Promise<T | null> => {
    const startedMs = performance.now();
    try {
      const result = await work();
      stages.push({ stage: name, ok: true, durationMs: performance.now() - startedMs, report: null });
      return result;
    } catch (thrown) {
      const { code, message, details } = toSeedError(thrown);
      stages.push({
        stage: name,
        ok: false,
        durationMs: performance.now() - startedMs,
        report: { code, message, details: details ?? null },
      });
      return null;
    }
  };
  const built = await stage('build', () => ports.stager.build({ sources, agent: input.agent }));
  if (built !== null) await stage('contract_tests', () => ports.stager.check(built));
  return { ok: stages.every((one) => one.ok), stages };
}

export async function stage(
  input: { agent: string; from: Readonly<Record<string, string>>; base?: string; note: string },
  context: Context,
) {
  const { ports, principal, dryRun } = context;
  const startedMs = performance.now();
  const { sources, parent } = await sourcesFor(input, context);
  const built = await ports.stager.build({ sources, agent: input.agent });
  const builtMs = performance.now();
  const checked = ports.stager.check(built).then(() => performance.now() - builtMs);
  if (dryRun) return { agent: input.agent, applied: false, timings: { build: builtMs - startedMs, check: await checked } };
  const staged = await ports.stager.keep(
    built,
    {
      agent: input.agent,
      parent,
      proposer: 'manual',
      note: input.note,
      reports: {},
      principal: { kind: principal.kind, id: principal.id },
    },
    checked,
  );
  // The files are written while it is checked.
  const timings = { build: builtMs - startedMs, check: await checked, keep: performance.now() - builtMs };
  const row = stagedRow(staged, { note: input.note, principal: context.principal });
  return {
    ...item({ row, desired: await desiredOf(input.agent, context), cached: new Set([row.hash]), quarantined: [] }),
    applied: true,
    timings,
  };
}

/** A version that has just been put, without asking for it again. */
function stagedRow(
  { artifact, number }: Version,
  { note, principal }: { note: string; principal: { kind: string; id: string } },
): VersionRow {
  const { agent, parent, proposer, createdAt } = artifact.manifest;
  return {
    agent,
    number,
    hash: artifact.hash,
    parent,
    proposer,
    note,
    principalKind: principal.kind,
    principalId: principal.id,
    verdict: 'staged',
    verdictReason: '',
    liveAt: null,
    createdAt: new Date(createdAt),
    sizeBytes: sizeOf(artifact),
  };
}

function swapItem(swapped: Swapped) {
  return {
    agent: swapped.agent,
    version: swapped.toNumber,
    hash: swapped.toHash,
    fromVersion: swapped.fromNumber,
    generation: swapped.generation,
    swapMs: swapped.durationUs / 1000,
    observing: swapped.observing,
    rehearsal: swapped.rehearsal,
    decided: [],
    applied: true,
  };
}

async function numbersOf(agent: string, { ports }: Context): Promise<Map<string, number>> {
  return new Map((await listVersions(ports.database, agent)).map((row) => [row.hash, row.number]));
}

export async function promote(input: { agent: string; version: string; reason?: string }, context: Context) {
  const { ports, principal, dryRun } = context;
  const rollout = ports.agents.rollout(input.agent);
  const { hash, number } = await resolve(input.agent, input.version, context);
  // It is confirmed, or it is a dry run; whoever says why as well has looked.
  const release = input.reason !== undefined;
  if (dryRun) return plan(input.agent, { hash, number, rehearsal: await rollout.rehearse({ hash, release }) }, context);
  const swapped = await rollout.promote({
    hash,
    reason: input.reason ?? 'promoted by hand',
    principal: { kind: principal.kind, id: principal.id },
    release,
  });
  return swapItem(swapped);
}

interface RollbackInput {
  agent: string;
  version?: string;
  reason: string;
  frozen?: 'discard' | 'keep';
  key?: string;
}

export async function rollback(input: RollbackInput, context: Context) {
  const { ports, principal, dryRun } = context;
  if (input.frozen !== undefined) return decideFrozen({ ...input, decision: input.frozen }, context);
  if (input.key !== undefined) {
    throw new SeedError('invalid_input', 'a key is for --frozen: versions are rolled back for all instances', {
      hint: `seed code:rollback ${input.agent} --frozen keep --key …, or leave the key out`,
    });
  }
  const rollout = ports.agents.rollout(input.agent);
  const target = input.version === undefined ? await targetOf(input.agent, context) : await resolve(input.agent, input.version, context);
  if (dryRun) return plan(input.agent, target, context);
  const swapped = await rollout.rollback({
    hash: target.hash,
    reason: input.reason,
    principal: { kind: principal.kind, id: principal.id },
  });
  return swapItem(swapped);
}

/** Swaps nothing. */
async function decideFrozen(input: RollbackInput & { decision: 'discard' | 'keep' }, context: Context) {
  const { ports, dryRun } = context;
  const { agent, decision, key, version } = input;
  if (version !== undefined) {
    throw new SeedError('invalid_input', `--frozen swaps nothing, so it has no version ${JSON.stringify(version)}`, {
      hint: 'leave one of the two out',
    });
  }
  const decided = await decide({ agent, decision, ...(key === undefined ? {} : { key }) }, context);
  const { worker, rollout } = ports.agents.running(agent);
  return {
    agent,
    version: worker.live?.number ?? 0,
    hash: worker.live?.hash ?? '',
    fromVersion: null,
    generation: rollout.row?.generation ?? 0,
    swapMs: 0,
    observing: false,
    rehearsal: null,
    decided,
    applied: !dryRun,
  };
}

/** The version that was live before; after an automatic rollback, or when that is in quarantine, the newest older one that was accepted once. */
async function targetOf(agent: string, context: Context): Promise<{ hash: string; number: number }> {
  const { ports } = context;
  const { rollbackTarget, row } = ports.agents.rollout(agent);
  const { quarantine } = ports.agents;
  if (rollbackTarget !== null && (await quarantine.find(agent, rollbackTarget)) === null)
    return ports.codeStore.resolve(agent, rollbackTarget);
  const live = row === null ? null : liveHash(row);
  const older = live === null ? null : await quarantine.acceptedBefore(agent, live, null);
  if (older === null) {
    throw new SeedError('invalid_state', `${agent} has no version before the present one`, {
      hint: `seed code:list ${agent} shows what there is`,
    });
  }
  return ports.codeStore.resolve(agent, older);
}

async function plan(agent: string, target: { hash: string; number: number; rehearsal?: Rehearsal | null }, context: Context) {
  const { row } = context.ports.agents.rollout(agent);
  const numbers = await numbersOf(agent, context);
  const live = row === null ? null : liveHash(row);
  return {
    agent,
    version: target.number,
    hash: target.hash,
    fromVersion: live === null ? null : (numbers.get(live) ?? null),
    generation: (row?.generation ?? 0) + 1,
    swapMs: 0,
    observing: false,
    rehearsal: target.rehearsal ?? null,
    decided: [],
    applied: false,
  };
}

export async function gc(input: { agent?: string; keep: number; olderThan: string; durable: boolean }, context: Context) {
  const { ports, dryRun } = context;
  if (input.agent !== undefined) await ports.agents.get(input.agent);
  const result = await ports.codeStore.gc({
    agents: input.agent === undefined ? ports.agents.names() : [input.agent],
    keep: input.keep,
    olderThanMs: parseDuration(input.olderThan),
    durable: input.durable,
    dryRun,
  });
  return { ...result, applied: !dryRun };
}

export async function verify(input: { agent?: string; rotateKey: boolean; acceptOldKeyFor: string }, { ports, dryRun, nowMs }: Context) {
  if (input.agent !== undefined) await ports.agents.get(input.agent);
  const until = new Date(nowMs + parseDuration(input.acceptOldKeyFor)).toISOString();
  const rotated = input.rotateKey && !dryRun ? await ports.codeStore.rotateKey(until) : null;
  const { checked, durable, findings } = await ports.codeStore.verify({
    ...(input.agent === undefined ? {} : { agents: [input.agent] }),
    repair: !dryRun,
  });
  return {
    ok: findings.every(({ repaired }) => repaired),
    checked,
    durable,
    findings,
    keyId: ports.codeStore.keys.keyId,
    acceptedKeys: ports.codeStore.keys.accepted.map(({ keyId, until: end }) => ({ keyId, until: end })),
    resigned: rotated?.resigned ?? 0,
    applied: !dryRun,
  };
}
