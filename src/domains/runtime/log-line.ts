// A log record as operations show it.
import { SEQUENCE, type LogFilter, type LogRecord, type LogRecords } from '#telemetry/log-records.ts';

function logLine(record: LogRecord) {
  const { time, level, message, module = '', [SEQUENCE]: sequence = 0, ...fields } = record;
  return { sequence, at: time, level, module, message, fields };
}

export interface LogQuestion {
  /** The newest so many to begin with. */
  lines: number;
  follow: boolean;
  signal: AbortSignal;
  /** The last one that the caller has seen: then everything after it, however much. */
  lastEventId: string | undefined;
}

/** What is there, then what comes. */
export async function* logLines(logs: LogRecords, filter: LogFilter, { lines, follow, signal, lastEventId }: LogQuestion) {
  const seen = lastEventId !== undefined && /^\d{1,16}$/.test(lastEventId) ? { after: Number(lastEventId) } : { limit: lines };
  // Before the question, so that nothing falls between the two.
  const following = follow ? logs.follow(filter, signal) : null;
  for (const record of logs.query({ ...filter, ...seen })) yield logLine(record);
  if (following === null) return;
  for await (const record of following) yield logLine(record);
}
