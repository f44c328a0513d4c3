// Errors of work that nobody waits for: they go to the log.
import type { Parts } from './parts.ts';

/** @returns what logs an error under this event name */
export function reportTo(parts: Parts, event: string): (error: unknown) => void {
  const log = parts.ground.telemetry.log;
  return (error) =>
    log.error(
      { event, error: String(error), stack: (error as Error | undefined)?.stack },
      String((error as Error | undefined)?.message ?? error),
    );
}
