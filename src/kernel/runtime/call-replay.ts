// Runs a recorded call again, on its own version or on another one, and says what came of it. In a host of its own and with nothing
// but its record to answer it: a replay has no effect.
import { SeedError, toSeedError } from '#lib/error.ts';
import { jsonDifferences, type JsonDifference } from '#lib/json-difference.ts';
import type { Divergence, LoadedExports, LoadRequest, ReplayOutcome, ReplayRequest } from '../sandbox/call.ts';
import type { Journal, JournalChunks, JournalRequest } from '../sandbox/journal.ts';
import type { CallRecord } from './call-log.ts';
import { collectingStream } from './call-stream.ts';
import { failureError, OWN_FAILURES } from './invocation.ts';
import type { ServedVersion } from './served-version.ts';

/** What is needed of the host. */
export interface ReplayHost {
  load(request: LoadRequest): Promise<LoadedExports>;
  unload(hash: string): Promise<unknown>;
  replay(request: ReplayRequest): Promise<ReplayOutcome>;
}

export interface ReplayAnswer {
  /** null when it failed. */
  outputJson: string | null;
  error: { code: string; message: string; stack?: string } | null;
}

/**
 * same: the answer is the recorded one. different: another answer to the same requests. diverged: it asked for something else than
 * its record says. unknown: the record can not say, for the reason given.
 */
export interface ReplayReport {
  verdict: 'same' | 'different' | 'diverged' | 'unknown';
  reason: string | null;
  /** `before`: as recorded. */
  differences: readonly JsonDifference[];
  divergence: Divergence | null;
  /** null: it was not run. */
  replayed: ReplayAnswer | null;
}

/** @throws SeedError what the host says when it can not load the version */
export async function replayCall(record: CallRecord, options: { host: ReplayHost; version: ServedVersion }): Promise<ReplayReport> {
  const why = whyUnknown(record);
  if (why !== null || record.inputJson === null || record.journal === null) return unknown(why ?? 'the record is incomplete');
  const { host, version } = options;
  const input = record.inputJson;
  const { journal } = record;
  try {
    version.checks(record.exportName).inputJson(JSON.parse(input));
  } catch (error) {
    return compared(record, { divergence: null, replayed: answerOf(toSeedError(error)) });
  }
  await host.load(version.loadRequest);
  try {
    return await replay(record, { host, version, input, journal });
  } finally {
    await host.unload(version.hash);
  }
}

async function replay(
  record: CallRecord,
  options: { host: ReplayHost; version: ServedVersion; input: string; journal: Journal },
): Promise<ReplayReport> {
  const { host, version, input, journal } = options;
  let beyond: JournalRequest | null = null;
  const { exportName } = record;
  const stream = collectingStream(record.id, { checks: version.checks(exportName), contract: version.contract, exportName });
  const { outcome, divergence } = await host.replay({
    id: record.id,
    hash: version.hash,
    exportName,
    stream,
    inputJson: input,
    key: record.key,
    timeMs: journal.time,
    seed: journal.seed,
    path: 'async',
    principalJson: JSON.stringify({ kind: record.principalKind, id: record.principalId }),
    journal,
    onRequest: (name, args, seq) => {
      beyond ??= { seq, name, args };
      return Promise.reject(new SeedError('invalid_state', `the record has no answer to ${name}: a replay asks nobody else`));
    },
  });
  const left = divergence ?? (beyond === null ? null : { index: journal.entries.length, recorded: null, seen: beyond });
  if (!outcome.ok && outcome.failure === 'host_lost' && !outcome.suspect)
    return unknown(`the replay lost its host: ${outcome.error.message}`);
  if (!outcome.ok) {
    const failed = stream.error ?? failureError(outcome, version.mapStack(outcome.error.stack));
    return compared(record, { divergence: left, replayed: answerOf(failed) });
  }
  try {
    if (!outcome.streamed) stream.checkPlain(outcome.outputJson);
  } catch (error) {
    return compared(record, { divergence: left, replayed: answerOf(toSeedError(error)) });
  }
  return compared(record, {
    divergence: left,
    replayed: { outputJson: outcome.streamed ? stream.outputJson : outcome.outputJson, error: null },
  });
}

/** @returns null when it can be replayed */
export function whyUnknown(record: CallRecord): string | null {
  if (record.redacted) return 'what its contract marks as secret was taken out of the record';
  if (record.truncated) return 'the record was too large to be kept whole';
  if (record.journal?.journal !== 1) return 'the record has no journal';
  const { error } = record;
  if (error !== null && !OWN_FAILURES.has(error.code)) {
    return `the call ended with ${error.code}, which was not its version's doing: ${error.message}`;
  }
  return null;
}

function unknown(reason: string): ReplayReport {
  return { verdict: 'unknown', reason, differences: [], divergence: null, replayed: null };
}

function compared(
  record: CallRecord,
  { divergence, replayed }: Pick<ReplayReport, 'divergence'> & { replayed: ReplayAnswer },
): ReplayReport {
  const differences = jsonDifferences(comparable(record), comparable(replayed));
  if (divergence !== null) {
    const { index } = divergence;
    const reason = `entry ${index} of the record is ${named(divergence.recorded)}; the replay made ${named(divergence.seen)}`;
    return { verdict: 'diverged', reason, differences, divergence, replayed };
  }
  return { verdict: differences.length === 0 ? 'same' : 'different', reason: null, differences, divergence, replayed };
}

/** A stack names lines, and two versions of a file have others. */
function comparable({ outputJson, error }: ReplayAnswer): unknown {
  if (error !== null) return { error: { code: error.code, message: error.message } };
  return { output: outputJson === null ? null : (JSON.parse(outputJson) as unknown) };
}

function named(made: JournalRequest | JournalChunks | null): string {
  if (made === null) return 'nothing';
  return 'chunks' in made ? `${made.chunks} chunks of its stream` : `request ${made.seq} (${made.name})`;
}

function answerOf({ code, message, details }: SeedError): ReplayAnswer {
  const stack = (details as { stack?: string } | null | undefined)?.stack;
  return { outputJson: null, error: { code, message, ...(stack === undefined ? {} : { stack }) } };
}
