// Handlers of agents:calls:* for calls that have ended.
import type { CallRecord } from '#kernel/runtime/call-log.ts';
import { callRecord } from '#kernel/runtime/call-record.ts';
import { replayCall, whyUnknown } from '#kernel/runtime/call-replay.ts';
import { seedErrorOf } from '#kernel/runtime/parking.ts';
import { ServedVersion } from '#kernel/runtime/served-version.ts';
import type { Divergence } from '#kernel/sandbox/call.ts';
import { parseDuration } from '#lib/duration.ts';
import { SeedError } from '#lib/error.ts';
import type { ParsedFilter } from '#operation/filter.ts';
import type { OperationContext, PageInput } from '#operation/operation.ts';
import { page } from '#operation/page.ts';
import { queryOf } from '../operation.ts';
import type { NodePorts } from '../ports.ts';
import { feedbackOf } from './feedback-store.ts';
import { shownFeedback } from './feedback-view.ts';
import { waitView } from './live-call.ts';
import { isLive, waitFor } from './parked-call.ts';
import { openOf } from './parked-call-desk.ts';
import type { ParkedRow } from './parked-call-store.ts';
import { getCall, listCalls, type CallSummary } from './recorded-call-store.ts';

type Context = OperationContext<NodePorts>;

interface ListInput extends PageInput {
  agent: string;
  version?: number;
  key?: string;
  export?: string;
  outcome?: string;
  state?: string;
  since?: string;
  until?: string;
  slow?: string;
}

export async function list(input: ListInput, context: Context) {
  const { database, agents } = context.ports;
  await agents.get(input.agent);
  const query = queryOf(input, context);
  const filters = [...query.filters, ...narrowed(input, context.nowMs)];
  const { rows, total } = await listCalls(database, input.agent, { ...query, filters });
  return page(rows.map(item), total, query);
}

function* narrowed(input: ListInput, nowMs: number): Generator<ParsedFilter> {
  if (input.version !== undefined) yield { field: 'version', operator: '=', type: 'number', value: input.version };
  if (input.key !== undefined) yield { field: 'key', operator: '=', type: 'string', value: input.key };
  if (input.export !== undefined) yield { field: 'export', operator: '=', type: 'string', value: input.export };
  if (input.state !== undefined) yield { field: 'state', operator: '=', type: 'string', value: input.state };
  if (input.outcome === 'failed') yield { field: 'outcome', operator: '!=', type: 'string', value: 'ok' };
  else if (input.outcome !== undefined) yield { field: 'outcome', operator: '=', type: 'string', value: input.outcome };
  if (input.since !== undefined) yield { field: 'startedAt', operator: '>', type: 'time', value: moment('since', input.since, nowMs) };
  if (input.until !== undefined) yield { field: 'startedAt', operator: '<', type: 'time', value: moment('until', input.until, nowMs) };
  if (input.slow !== undefined) yield { field: 'durationMs', operator: '>', type: 'number', value: parseDuration(input.slow) };
}

/** A time, or how long ago. */
function moment(path: string, text: string, nowMs: number): Date {
  if (/^\d+(?:\.\d+)?(?:ms|s|m|h|d)$/.test(text)) return new Date(nowMs - parseDuration(text));
  const time = new Date(text);
  if (!Number.isNaN(time.getTime())) return time;
  const message = `${JSON.stringify(text)} is neither a time nor a duration`;
  throw new SeedError('invalid_input', `${path}: ${message}`, {
    details: [{ path, message }],
    hint: 'for example 2026-11-20T12:00:00Z, or 2h',
  });
}

function item({ startedAt, principalKind, principalId, agent: _agent, ...row }: CallSummary) {
  return { ...row, startedAt: startedAt.toISOString(), principal: `${principalKind}/${principalId}` };
}

/** @throws SeedError `not_found` */
export async function recordOf(input: { agent: string; call: string }, { ports }: Context): Promise<CallRecord> {
  await ports.agents.get(input.agent);
  const record = await getCall(ports.database, input.agent, input.call);
  if (record !== null) return record;
  const parked = await ports.parkedCalls.find(input.agent, input.call);
  if (parked !== null && isLive(parked)) {
    throw new SeedError('invalid_state', `the call ${input.call} is parked and has not ended: there is nothing to compare with yet`);
  }
  throw new SeedError('not_found', `there is no record of a call ${input.call} of ${input.agent}`, {
    hint: `calls are sampled and kept for seven days; seed agents:calls:list ${input.agent} shows those that are there`,
  });
}

export async function get(input: { agent: string; call: string; wait?: string }, context: Context) {
  const { ports } = context;
  await ports.agents.get(input.agent);
  const found = await ports.parkedCalls.find(input.agent, input.call);
  const feedback = (await feedbackOf(ports.database, input.call)).map(shownFeedback);
  if (found === null) return { ...view(await recordOf(input, context)), open: [], feedback, divergence: null };
  const row = input.wait === undefined ? found : await waitFor(found, input.wait, context);
  return { ...(await parkedView(row, context)), feedback };
}

/** A call that is parked or was: its result is shown whole to whoever made it. */
async function parkedView(row: ParkedRow, { ports, principal }: Context) {
  const { artifact, number } = await ports.codeStore.load(row.agent, row.hash);
  const version = new ServedVersion(artifact, { number, syncPath: false });
  const record =
    (await getCall(ports.database, row.agent, row.id)) ?? recordOfParked(version, row, (agent) => ports.runtime.find(agent)?.live ?? null);
  const { end } = row;
  const isOwn = principal.kind === row.principal.kind && principal.id === row.principal.id;
  return {
    ...view(record),
    ...(isLive(row) ? { outcome: null, durationMs: null, cpuMs: null, unknown: 'it has not ended' } : {}),
    ...(isOwn && end?.ok === true ? { output: parsed(end.outputJson) } : {}),
    ...(end === undefined || end.ok || record.redacted ? {} : { outcome: end.error.code, error: end.error }),
    state: row.state,
    open: openOf(row).map(waitView),
    divergence: end === undefined || end.ok || record.redacted ? null : divergenceView(end.divergence),
  };
}

/** As its record will be: without what the contract marks as secret. */
function recordOfParked(version: ServedVersion, row: ParkedRow, live: (agent: string) => ServedVersion | null): CallRecord {
  const { id: callId, exportName, inputJson, key, journal, principal, end } = row;
  const invocation = { callId, exportName, inputJson, key, timeMs: journal.time };
  const error = end === undefined || end.ok ? null : seedErrorOf(end.error);
  return callRecord(version, { invocation, outcome: null, journal, error, durationMs: 0, principal, live });
}

function view(record: CallRecord) {
  const { journal, error } = record;
  return {
    callId: record.id,
    state: error === null ? ('done' as const) : ('failed' as const),
    key: record.key,
    export: record.exportName,
    version: record.version,
    hash: record.hash,
    outcome: error === null ? 'ok' : error.code,
    startedAt: new Date(record.startedAtMs).toISOString(),
    durationMs: record.durationUs / 1000,
    cpuMs: record.cpuUs / 1000,
    principal: `${record.principalKind}/${record.principalId}`,
    redacted: record.redacted,
    truncated: record.truncated,
    streamed: record.streamed,
    input: parsed(record.inputJson),
    output: parsed(record.outputJson),
    error,
    journal:
      journal === null ? null : { time: new Date(journal.time).toISOString(), seed: journal.seed, entries: journal.entries.map(entryOf) },
    logs: record.logs,
    unknown: whyUnknown(record),
  };
}

type Entry = NonNullable<CallRecord['journal']>['entries'][number];

function entryOf(entry: Entry) {
  if ('name' in entry) return { kind: 'request' as const, request: entry.seq, name: entry.name, args: entry.args };
  if ('chunks' in entry) return { kind: 'chunks' as const, chunks: entry.chunks };
  if ('room' in entry) return { kind: 'room' as const, ...entry.room };
  if ('left' in entry) return { kind: 'left' as const };
  const { seq: request, time, ...result } = entry;
  return { kind: 'result' as const, request, at: new Date(time).toISOString(), ...result };
}

export async function replay(input: { agent: string; call: string; version?: string }, context: Context) {
  const { ports, signal } = context;
  const record = await recordOf(input, context);
  const resolved = input.version === undefined ? record : await ports.codeStore.resolve(input.agent, input.version);
  const { artifact, number } = await ports.codeStore.load(input.agent, resolved.hash);
  const version = new ServedVersion(artifact, { number, syncPath: false });
  const report = await ports.validator.use((host) => replayCall(record, { host, version }), signal);
  const { verdict, reason, differences, divergence, replayed } = report;
  return {
    verdict,
    reason,
    exact: version.contract.isolation === 'call',
    version: number,
    hash: version.hash,
    recordedVersion: record.version,
    differences,
    divergence: divergenceView(divergence),
    recorded: { output: parsed(record.outputJson), error: record.error },
    replayed: replayed === null ? null : { output: parsed(replayed.outputJson), error: replayed.error },
  };
}

function divergenceView(divergence: Divergence | null) {
  if (divergence === null) return null;
  return { index: divergence.index, recorded: madeOf(divergence.recorded), seen: madeOf(divergence.seen) };
}

function madeOf(made: Divergence['recorded']) {
  if (made === null || 'chunks' in made) return made;
  return { request: made.seq, name: made.name, args: made.args };
}

function parsed(json: string | null): unknown {
  return json === null ? null : JSON.parse(json);
}
