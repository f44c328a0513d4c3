// A log record as operations show it.
import type { LogRecord } from '#telemetry/log-records.ts';

export function logLine(record: LogRecord) {
  const { time, level, message, module = '', ...fields } = record;
  return { at: time, level, module, message, fields };
}
