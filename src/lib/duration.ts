// Durations as people write them: "250ms", "60s", "5m", "2h", "7d".
import { SeedError } from './error.ts';

const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds. A bare number is seconds. @throws SeedError `invalid_input` */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text.trim());
  if (match === null) {
    throw new SeedError('invalid_input', `${JSON.stringify(text)} is not a duration`, { hint: 'for example 250ms, 60s, 5m, 2h, 7d' });
  }
  return Math.round(Number(match[1]) * UNITS_MS[(match[2] ?? 's') as keyof typeof UNITS_MS]);
}

/** The shortest readable form, for people: 950 ms, 12.3 s, 4 m 10 s, 3 h 5 m. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  // Rounded before it is split, or 119.7 s would be 1 m 60 s.
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} m`;
}
