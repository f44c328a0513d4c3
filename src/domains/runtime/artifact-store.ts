// The durable copy of the code store, in the database: it stays when a node's disk goes.
import { sql } from 'kysely';
import { toJson } from '#db/columns.ts';
import type { Database, Tx } from '#db/database.ts';
import type { ArtifactStore, ManifestSignature, SignedArtifact } from '#kernel/code-store/artifact-store.ts';
import type { Manifest, SourceFiles } from '#kernel/compiler/artifact.ts';
import { canonicalJson, sha256 } from '#lib/canonical-json.ts';

/** What a folder is recognised by. */
export function sourcesHash(sources: SourceFiles): string {
  return sha256(canonicalJson(sources));
}

export function artifactStore(database: Database): ArtifactStore {
  return {
    put: (signed, origin) =>
      database.transaction(async (tx) => {
        const { artifact } = signed;
        const { agent, parent, proposer, createdAt } = artifact.manifest;
        const known = await numberOf(tx, agent, artifact.hash);
        if (known !== undefined) return known;
        // One number after the other, whoever asks at the same time.
        await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`versions:${agent}`}, 0))`.execute(tx);
        const meanwhile = await numberOf(tx, agent, artifact.hash);
        if (meanwhile !== undefined) return meanwhile;
        await insertArtifact(tx, signed);
        const last = await tx.selectFrom('version_numbers').select('last').where('agent', '=', agent).executeTakeFirst();
        const number = (last?.last ?? 0) + 1;
        await tx
          .insertInto('version_numbers')
          .values({ agent, last: number })
          .onConflict((conflict) => conflict.column('agent').doUpdateSet({ last: number }))
          .execute();
        await tx
          .insertInto('versions')
          .values({
            agent,
            number,
            hash: artifact.hash,
            parent,
            proposer,
            note: origin.note,
            principal_kind: origin.principal.kind,
            principal_id: origin.principal.id,
            created_at: new Date(createdAt),
          })
          .execute();
        return number;
      }),

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
        artifact: { hash, manifest: JSON.parse(manifest) as Manifest, js, map, evaluationJs: row.evaluation_js, sources },
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

    async remove(agent, hash) {
      await database.transaction(async (tx) => {
        await tx.deleteFrom('versions').where('agent', '=', agent).where('hash', '=', hash).execute();
        // A hash names its agent in its manifest, so nobody else can need it.
        await tx.deleteFrom('artifacts').where('hash', '=', hash).execute();
      });
    },
  };
}

async function numberOf(tx: Tx, agent: string, hash: string): Promise<number | undefined> {
  const row = await tx.selectFrom('versions').select('number').where('agent', '=', agent).where('hash', '=', hash).executeTakeFirst();
  return row?.number;
}

async function insertArtifact(tx: Tx, { artifact, signature }: SignedArtifact): Promise<void> {
  const { hash, manifest, js, map, evaluationJs, sources } = artifact;
  const texts = [js, map, evaluationJs ?? '', ...Object.values(sources)];
  await tx
    .insertInto('artifacts')
    .values({
      hash,
      manifest: canonicalJson(manifest),
      signature: signature.value,
      key_id: signature.keyId,
      js,
      map,
      evaluation_js: evaluationJs,
      sources: toJson(sources),
      sources_hash: sourcesHash(sources),
      size_bytes: texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0),
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
