// Calls that were recorded of the live version, made again with the one that is to take its place: nothing they do has an effect.
import { recentCalls } from '#domains/runtime/recorded-call-store.ts';
import type { ReplaySummary } from '#improvement/events.ts';
import type { CallRecord } from '#kernel/runtime/call-log.ts';
import { replayCall, type ReplayReport } from '#kernel/runtime/call-replay.ts';
import { ServedVersion } from '#kernel/runtime/served-version.ts';
import type { Parts } from './parts.ts';

/** The newest ones, and as many of those that failed. */
const MAX_CALLS = 40;
const MAX_EXAMPLES = 10;
const MAX_WORDS = 300;

export async function replayRecorded(
  parts: Parts,
  { agent, base, hash, signal }: { agent: string; base: string; hash: string; signal: AbortSignal },
): Promise<ReplaySummary> {
  const records = await recentCalls(parts.get('database'), { agent, hash: base, limit: MAX_CALLS });
  const { artifact, number } = await parts.get('codeStore').load(agent, hash);
  const version = new ServedVersion(artifact, { number, syncPath: false });
  const counts = { same: 0, better: 0, worse: 0, unknown: 0 };
  const examples: { callId: string; verdict: 'better' | 'worse' | 'unknown'; why: string }[] = [];
  for (const record of records) {
    signal.throwIfAborted();
    const report = await parts.get('workHosts').validator.use((host) => replayCall(record, { host, version }), signal);
    const { verdict, why } = classify(record, report);
    counts[verdict] += 1;
    if (verdict !== 'same') examples.push({ callId: record.id, verdict, why: why.slice(0, MAX_WORDS) });
  }
  const order = ['worse', 'better', 'unknown'];
  const shown = examples.toSorted((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict)).slice(0, MAX_EXAMPLES);
  return { calls: records.length, ...counts, examples: shown };
}

/** Better and worse are only said where one of the two failed by its own fault: which of two answers is right, a record does not know. */
export function classify(record: CallRecord, report: ReplayReport): { verdict: 'same' | 'better' | 'worse' | 'unknown'; why: string } {
  const { verdict, replayed } = report;
  if (verdict === 'same') return { verdict: 'same', why: '' };
  if (verdict === 'unknown' || replayed === null) return { verdict: 'unknown', why: report.reason ?? 'it could not be made again' };
  if (verdict === 'diverged') return { verdict: 'unknown', why: 'it asks for something else than the record has answers to' };
  if (record.error !== null && replayed.error === null)
    return { verdict: 'better', why: `failed with ${record.error.code}, is answered now` };
  if (record.error === null && replayed.error !== null)
    return { verdict: 'worse', why: `was answered, fails now with ${replayed.error.code}: ${replayed.error.message}` };
  const [first] = report.differences;
  return { verdict: 'unknown', why: first === undefined ? 'another error' : `another answer, at ${JSON.stringify(first)}` };
}
