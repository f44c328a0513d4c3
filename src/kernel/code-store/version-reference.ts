// What people call a version: v3, 3, or the beginning of its hash.
import { SeedError } from '#lib/error.ts';
import type { VersionRecord } from './artifact-store.ts';

/**
 * @param reference `v3`, `3`, or 8 to 64 hex digits that a hash begins with
 * @throws SeedError `not_found`, `invalid_input` when more than one hash begins like that
 */
export function findVersion(agent: string, reference: string, records: readonly VersionRecord[]): VersionRecord {
  const number = /^v?(\d{1,9})$/.exec(reference)?.[1];
  const numbered = number === undefined ? undefined : records.find((record) => record.number === Number(number));
  if (numbered !== undefined) return numbered;
  const matching = /^[0-9a-f]{8,64}$/.test(reference) ? records.filter(({ hash }) => hash.startsWith(reference)) : [];
  const [found] = matching;
  if (found === undefined) throw noVersion(agent, reference, records);
  if (matching.length === 1) return found;
  const numbers = matching.map((record) => `v${record.number}`).join(', ');
  throw new SeedError('invalid_input', `${matching.length} versions of ${agent} begin with ${reference}`, {
    hint: `say which: ${numbers}`,
  });
}

export function noVersion(agent: string, reference: string, records: readonly VersionRecord[] = []): SeedError {
  const last = records.at(-1)?.number;
  return new SeedError('not_found', `${agent} has no version ${JSON.stringify(reference.slice(0, 80))}`, {
    hint: last === undefined ? `seed code:list ${agent} shows what there is` : `the newest is v${last}`,
  });
}
