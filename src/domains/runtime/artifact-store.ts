// The durable copy of the code store, in the database: it stays when a node's disk goes.
import { sql } from 'kysely';
import { toJson } from '#db/columns.ts';
import { isUniqueViolation } from '#db/database-error.ts';
import type { Database } from '#db/database.ts';
import type { ArtifactStore, ManifestSignature, Origin, SignedArtifact } from '#kernel/code-store/artifact-store.ts';
import type { Artifact, Manifest, SourceFiles } from '#kernel/compiler/artifact.ts';
import { canonicalJson, sha256 } from '#lib/canonical-json.ts';
import { SeedError } from '#lib/error.ts';

/** What a folder is recognised by: its code. A word in its README is no reason to replace what has evolved since. */
export function sourcesHash(sources: SourceFiles): string {
  return sha256(canonicalJson(Object.fromEntries(Object.entries(sources).filter(([path]) => !path.endsWith('.md')))));
}

/** Bytes of its scripts and sources. */
export function sizeOf({ js, map, evaluationJs, sources }: Artifact): number {
  return [js, map, evaluationJs ?? '', ...Object.values(sources)].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}

export function artifactStore(database: Database): ArtifactStore {
  return {
    async put(signed, origin) {
      const { agent } = signed.artifact.manifest;
      try {
        return await insertVersion(database, signed, origin);
      } catch (error) {
        if (!isUniqueViolation(error)) throw error;
        // It is there already: the number that was drawn went back with the statement.
        const known = await database.db
          .selectFrom('versions')
          .select('number')
          .where('agent', '=', agent)
          .where('hash', '=', signed.artifact.hash)
          .executeTakeFirst();
        if (known === undefined) throw error;
        return known.number;
      }
    },

    async get(agent, hash) {
      const row = await database.db
        .selectFrom('versions')
        .innerJoin('artifacts', 'artifacts.hash', 'versions.hash')
        .select(['manifest', 'signature', 'key_id', 'js', 'map', 'evaluation_js', 'sources', 'versions.number'])
        .where('versions.agent', '=', agent)
        .where('versions.hash', '=', hash)
        .executeTakeFirst();
      if (row === undefined) return null;
      const { manifest, js, map, sources, number } = row;
      return {
        artifact: {
          hash,
          manifest: parseKept<Manifest>(manifest, hash),
          js,
          map,
          evaluationJs: row.evaluation_js,
          sources: parseKept<SourceFiles>(sources, hash),
        },
        signature: { keyId: row.key_id, value: row.signature },
        number,
      };
    },

    async list(agent) {
      const rows = await database.db
        .selectFrom('versions')
        .select(['agent', 'number', 'hash', 'parent', 'proposer', 'created_at'])
        .where('agent', '=', agent)
        .orderBy('number')
        .execute();
      return rows.map(({ created_at, ...row }) => ({ ...row, createdAt: created_at.toISOString() }));
    },

    async agents() {
      const rows = await database.db.selectFrom('versions').select('agent').distinct().orderBy('agent').execute();
      return rows.map((row) => row.agent);
    },

    async resign(hash: string, signature: ManifestSignature) {
      await database.db
        .updateTable('artifacts')
        .set({ signature: signature.value, key_id: signature.keyId })
        .where('hash', '=', hash)
        .execute();
    },

    async repair({ artifact, signature }) {
      await database.db.updateTable('artifacts').set(contentOf(artifact, signature)).where('hash', '=', artifact.hash).execute();
    },

    async remove(agent, hash) {
      await database.transaction(async (tx) => {
        await tx.deleteFrom('versions').where('agent', '=', agent).where('hash', '=', hash).execute();
        // A hash names its agent in its manifest, so nobody else can need it.
        await tx.deleteFrom('artifacts').where('hash', '=', hash).execute();
      });
    },
  };
}

function contentOf(artifact: Artifact, signature: ManifestSignature) {
  const { manifest, js, map, evaluationJs, sources } = artifact;
  return {
    manifest: canonicalJson(manifest),
    signature: signature.value,
    key_id: signature.keyId,
    js,
    map,
    evaluation_js: evaluationJs,
    sources: toJson(sources),
    sources_hash: sourcesHash(sources),
    size_bytes: sizeOf(artifact),
  };
}

/** @throws SeedError `artifact_corrupt` */
function parseKept<T>(text: string, hash: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw new SeedError('artifact_corrupt', `the durable copy of ${hash.slice(0, 12)} is not what was written`, {
      cause: error,
      hint: 'seed code:verify repairs it where this node has a copy of it',
    });
  }
}

/** All in one statement: a swap waits for it. Whoever draws a number at the same time waits for its row. */
async function insertVersion(database: Database, { artifact, signature }: SignedArtifact, origin: Origin): Promise<number> {
  const { hash, manifest, js, map, evaluationJs, sources } = artifact;
  const { agent, parent, proposer, createdAt } = manifest;
  const { kind, id } = origin.principal;
  const { rows } = await sql<{ number: number }>`
    WITH artifact AS (
      INSERT INTO artifacts (hash, manifest, signature, key_id, js, map, evaluation_js, sources, sources_hash, size_bytes)
      VALUES (${hash}, ${canonicalJson(manifest)}, ${signature.value}, ${signature.keyId}, ${js}, ${map}, ${evaluationJs},
        ${toJson(sources)}, ${sourcesHash(sources)}, ${sizeOf(artifact)})
      ON CONFLICT DO NOTHING
    ), drawn AS (
      INSERT INTO version_numbers AS n (agent, last) VALUES (${agent}, 1)
      ON CONFLICT (agent) DO UPDATE SET last = n.last + 1 RETURNING last
    )
    INSERT INTO versions (agent, number, hash, parent, proposer, note, principal_kind, principal_id, created_at)
    SELECT ${agent}, drawn.last, ${hash}, ${parent}, ${proposer}, ${origin.note}, ${kind}, ${id}, ${new Date(createdAt)}::timestamptz
    FROM drawn RETURNING number`.execute(database.db);
  const [row] = rows;
  if (row === undefined) throw new SeedError('internal', `${agent} was given no number`);
  return row.number;
}
