// For tests: an artifact store without a database, and versions to put into it.
import type { Artifact, Manifest } from '../compiler/artifact.ts';
import { contractSchema, type ContractData } from '../compiler/contract.ts';
import { sha256 } from '#lib/canonical-json.ts';
import { fileHashes, hashManifest } from './artifact-files.ts';
import type { ArtifactStore, SignedArtifact, VersionRecord } from './artifact-store.ts';
import type { PutRequest } from './code-store.ts';

const CONTRACT: ContractData = contractSchema.parse({
  contract: 1,
  name: 'packer',
  summary: 'packs',
  limits: {},
  exports: [{ kind: 'call', name: 'handle', input: { type: 'object' }, output: {} }],
});

/** A version that differs from others by `content`. */
export function versionOf(content: string | number, change: Partial<PutRequest> = {}): PutRequest {
  const sources = { 'agent.ts': `export default ${JSON.stringify(content)};`, 'contract.ts': '…', 'evals/evaluation.ts': 'é' };
  return {
    agent: 'packer',
    js: `var __seed_module = ${JSON.stringify(content)};\n`,
    map: '{"version":3,"mappings":""}',
    evaluationJs: 'var __seed_module = {};\n',
    sources,
    contract: CONTRACT,
    compiler: 'esbuild 0.0.0',
    parent: null,
    proposer: 'manual',
    promptHash: null,
    reports: { selection: { score: 4.25 } },
    createdAt: '2026-01-01T00:00:00.000Z',
    note: '',
    principal: { kind: 'user', id: 'me' },
    ...change,
  };
}

/** The same, as an artifact with a signature that nobody made. */
export function signedVersion(content: string | number, change: Partial<PutRequest> = {}): SignedArtifact {
  const { agent, js, map, evaluationJs, sources, contract, compiler, parent, proposer, promptHash, reports, createdAt } = versionOf(
    content,
    change,
  );
  const hashes = { files: fileHashes(sources), jsHash: sha256(js), mapHash: sha256(map), contractHash: sha256('') };
  const evaluationHash = evaluationJs === null ? null : sha256(evaluationJs);
  const manifest: Manifest = {
    manifest: 1,
    agent,
    ...hashes,
    contract,
    evaluationHash,
    compiler,
    parent,
    proposer,
    promptHash,
    reports,
    createdAt,
  };
  const artifact: Artifact = { hash: hashManifest(manifest), manifest, js, map, evaluationJs, sources };
  return { artifact, signature: { keyId: '0'.repeat(32), value: '0'.repeat(128) } };
}

/** Keeps everything in memory, as JSON, so that nothing is shared with whoever put it. */
export class MemoryArtifactStore implements ArtifactStore {
  readonly #texts = new Map<string, string>();
  readonly #records = new Map<string, VersionRecord[]>();
  readonly #next = new Map<string, number>();
  readonly #first: number;
  /** What every method throws while it is set: a database that can not be reached. */
  away: Error | null = null;

  /** @param first number of each agent's first version: default 1 */
  constructor(first = 1) {
    this.#first = first;
  }

  async put({ artifact, signature }: SignedArtifact): Promise<number> {
    await this.#arrive();
    const { hash, manifest } = artifact;
    const { agent, parent, proposer, createdAt } = manifest;
    const records = this.#records.get(agent) ?? [];
    const known = records.find((record) => record.hash === hash);
    if (known !== undefined) return known.number;
    const number = this.#next.get(agent) ?? this.#first;
    this.#next.set(agent, number + 1);
    this.#texts.set(hash, JSON.stringify({ artifact, signature }));
    this.#records.set(agent, [...records, { agent, number, hash, parent, proposer, createdAt }]);
    return number;
  }

  async get(agent: string, hash: string): Promise<(SignedArtifact & { number: number }) | null> {
    await this.#arrive();
    const record = this.#records.get(agent)?.find((one) => one.hash === hash);
    const text = this.#texts.get(hash);
    return record === undefined || text === undefined ? null : { ...(JSON.parse(text) as SignedArtifact), number: record.number };
  }

  async list(agent: string): Promise<readonly VersionRecord[]> {
    await this.#arrive();
    return this.#records.get(agent) ?? [];
  }

  async agents(): Promise<readonly string[]> {
    await this.#arrive();
    return [...this.#records].flatMap(([agent, records]) => (records.length > 0 ? [agent] : []));
  }

  async resign(hash: string, signature: SignedArtifact['signature']): Promise<void> {
    await this.change(hash, (signed) => ({ ...signed, signature }));
  }

  async repair(signed: SignedArtifact): Promise<void> {
    await this.change(signed.artifact.hash, () => signed);
  }

  async remove(agent: string, hash: string): Promise<void> {
    await this.#arrive();
    this.#records.set(
      agent,
      (this.#records.get(agent) ?? []).filter((record) => record.hash !== hash),
    );
    this.#texts.delete(hash);
  }

  /** Damages what is kept, for tests of that. */
  async change(hash: string, change: (signed: SignedArtifact) => SignedArtifact): Promise<void> {
    await this.#arrive();
    const text = this.#texts.get(hash);
    if (text !== undefined) this.#texts.set(hash, JSON.stringify(change(JSON.parse(text) as SignedArtifact)));
  }

  /** Loses what a version consists of, and not that there is one. */
  lose(hash: string): void {
    this.#texts.delete(hash);
  }

  /** Says of whatever it keeps that it is a version of this agent. */
  adopt(agent: string, record: VersionRecord): void {
    this.#records.set(agent, [...(this.#records.get(agent) ?? []), record]);
  }

  /** Every answer takes a turn of the loop, so that calls interleave as they do with a database. */
  async #arrive(): Promise<void> {
    await Promise.resolve();
    if (this.away !== null) throw this.away;
  }
}
