// What the artifacts and swaps of an agent say about how its versions came about.
import type { Database } from '#db/database.ts';

export interface VersionOrigin {
  createdBy: string;
  promptHash: string | null;
  reports: Readonly<Record<string, unknown>>;
  /** Who made it live last; null: nobody has. */
  promotedBy: { kind: string; id: string } | null;
}

/** By the hash of the version. */
export async function versionOrigins(database: Database, agent: string): Promise<ReadonlyMap<string, VersionOrigin>> {
  const [versions, swaps] = await Promise.all([
    database.db
      .selectFrom('versions')
      .innerJoin('artifacts', 'artifacts.hash', 'versions.hash')
      .select(['versions.hash', 'artifacts.manifest', 'versions.principal_kind', 'versions.principal_id'])
      .where('versions.agent', '=', agent)
      .execute(),
    database.db
      .selectFrom('swaps')
      .distinctOn('to_hash')
      .select(['to_hash', 'principal_kind', 'principal_id'])
      .where('agent', '=', agent)
      .where('kind', '=', 'promote')
      .orderBy('to_hash')
      .orderBy('at', 'desc')
      .execute(),
  ]);
  const promoted = new Map(swaps.map(({ to_hash, principal_kind: kind, principal_id: id }) => [to_hash, { kind, id }]));
  return new Map(
    versions.map(({ hash, manifest, principal_kind: kind, principal_id: id }) => [
      hash,
      { createdBy: `${kind}/${id}`, promotedBy: promoted.get(hash) ?? null, ...saidBy(manifest) },
    ]),
  );
}

/** A manifest that can not be read says nothing; code:verify is where that is found out. */
function saidBy(manifest: string): Pick<VersionOrigin, 'promptHash' | 'reports'> {
  try {
    const { promptHash, reports } = JSON.parse(manifest) as Pick<VersionOrigin, 'promptHash' | 'reports'>;
    return { promptHash, reports };
  } catch {
    return { promptHash: null, reports: {} };
  }
}
