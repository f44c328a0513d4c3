// Every version of every agent: addressed by hash, signed, checked on every load. The durable copy is the truth; the files
// under CODE_ROOT are this node's cache of it and its black box, good enough to serve from when there is nothing else.
import { rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson, sha256 } from '#lib/canonical-json.ts';
import { isSeedError, SeedError } from '#lib/error.ts';
import { checkName } from '#lib/name.ts';
import type { Artifact, Manifest, SourceFiles } from '../compiler/artifact.ts';
import type { ContractData } from '../compiler/contract.ts';
import { ArtifactFiles, fileHashes, HASH, hashManifest } from './artifact-files.ts';
import type { ArtifactStore, Origin, SignedArtifact, VersionRecord } from './artifact-store.ts';
import { collectGarbage, type Collected, type CollectRequest } from './collection.ts';
import type { Holder } from './holder.ts';
import { Disk } from './disk.ts';
import { sweepDrafts } from './durable-file.ts';
import { KnownVersions } from './known-versions.ts';
import { restoreArtifact } from './restoration.ts';
import { resignAll } from './rotation.ts';
import { checkTime, SigningKeys } from './signing-keys.ts';
import type { Damage, StoreParts } from './store-parts.ts';
import { Turns } from './turns.ts';
import { verifyStore, type Verification, type VerifyRequest } from './verification.ts';
import { VersionFiles, type ActivePointer } from './version-files.ts';
import { findVersion, noVersion } from './version-reference.ts';

export type { ArtifactStore } from './artifact-store.ts';

export interface CodeStoreOptions {
  /** CODE_ROOT. Made if it is missing. */
  root: string;
  /** Folder of the signing key, outside `root`. Made if it is missing. */
  keysDir: string;
  durable: ArtifactStore;
  /** ms since the epoch; default Date.now */
  nowMs?: () => number;
  /** Told of everything on this disk that was not what was written. */
  onDamage?: (damage: Damage) => void;
}

export interface PutRequest extends Origin {
  agent: string;
  js: string;
  map: string;
  evaluationJs: string | null;
  sources: SourceFiles;
  contract: ContractData;
  /** For example `esbuild 0.28.2`. */
  compiler: string;
  parent: string | null;
  proposer: string;
  promptHash: string | null;
  reports: Readonly<Record<string, unknown>>;
  /** UTC, ISO 8601. Part of the hash: the same content at another time is another version. */
  createdAt: string;
}

export interface Version {
  artifact: Artifact;
  /** Dense per agent, from 1. */
  number: number;
}

export class CodeStore {
  readonly #parts: StoreParts;
  readonly #known = new KnownVersions();
  readonly #holders = new Set<Holder>();

  /**
   * Makes what is missing, removes what an interrupted writer left, reads or makes the keys. A disk that is full or read-only
   * is no reason not to start.
   * @throws SeedError `configuration` when a key file is damaged, `storage_full` when there is no store yet and none can be made
   */
  static async open(options: CodeStoreOptions): Promise<CodeStore> {
    const { root, keysDir, durable, nowMs = Date.now, onDamage = () => undefined } = options;
    const folders = ['objects', 'versions', 'active'].map((name) => join(root, name));
    const disk = new Disk();
    await Promise.all(folders.map((folder) => ownFolder(disk, folder, onDamage)));
    const files = new VersionFiles(disk, root);
    const agents = await files.agents();
    // What can not be removed from a read-only disk is ignored like everything else that is no record.
    await Promise.allSettled([...folders, ...agents.map((agent) => join(root, 'versions', agent))].map(sweepDrafts));
    const keys = await SigningKeys.open({ folder: keysDir, nowMs });
    const objects = new ArtifactFiles(disk, join(root, 'objects'));
    return new CodeStore({ root, disk, objects, files, keys, durable, turns: new Turns(), nowMs, onDamage });
  }

  private constructor(parts: StoreParts) {
    this.#parts = parts;
  }

  /** For a cluster: nodes accept each other's public keys. */
  get keys(): SigningKeys {
    return this.#parts.keys;
  }

  /**
   * Signs and keeps a version: on the disk, then in the durable copy, which gives the number. The same request again is the
   * same version.
   * @param accepted settles when it is decided whether the version is wanted: its files are written meanwhile, and removed when
   *   this rejects, which `put` then rejects with. Default: it is wanted.
   * @throws SeedError `invalid_input` for a name, `storage_full` before anything durable happened, what the durable copy throws
   */
  async put(request: PutRequest, accepted: Promise<unknown> = Promise.resolve()): Promise<Version> {
    const { agent, js, map, evaluationJs, sources, note, principal } = request;
    const { contract, compiler, parent, proposer, promptHash, reports, createdAt } = request;
    checkName(agent, 'agent');
    const manifest: Manifest = {
      manifest: 1,
      agent,
      files: fileHashes(sources),
      jsHash: sha256(js),
      mapHash: sha256(map),
      contract,
      contractHash: sha256(canonicalJson(contract)),
      evaluationHash: evaluationJs === null ? null : sha256(evaluationJs),
      compiler,
      parent,
      proposer,
      promptHash,
      reports,
      createdAt,
    };
    const artifact: Artifact = { hash: hashManifest(manifest), manifest, js, map, evaluationJs, sources };
    return this.#parts.turns.take(`object ${artifact.hash}`, async () => {
      const signed = { artifact, signature: this.#parts.keys.sign(canonicalJson(manifest)) };
      const [written, wanted] = await Promise.allSettled([this.#parts.objects.write(signed), accepted]);
      if (wanted.status === 'rejected') {
        if (this.#known.hashed(agent, artifact.hash) === undefined) await this.#parts.objects.remove(artifact.hash);
        throw wanted.reason;
      }
      if (written.status === 'rejected') throw written.reason;
      const number = await this.#parts.durable.put(signed, { note, principal });
      await this.#record(artifact, number);
      return { artifact, number };
    });
  }

  /**
   * A version, checked to the byte against its hash and signature. What is missing or damaged on this disk comes from the
   * durable copy, is checked the same way, and put back.
   * @throws SeedError `not_found`, `artifact_corrupt` when no copy is what was signed; what the durable copy throws when it is needed
   */
  async load(agent: string, hash: string): Promise<Version> {
    checkName(agent, 'agent');
    if (!HASH.test(hash)) throw noVersion(agent, hash);
    const read = await this.#parts.objects.read(hash, this.#parts.keys);
    const { artifact } = read.state === 'whole' ? read.signed : await this.#restore(agent, hash);
    if (artifact.manifest.agent !== agent) throw noVersion(agent, hash);
    return { artifact, number: await this.#numberOf(agent, hash) };
  }

  /** All versions of an agent, the first one first. Without the durable copy: those this disk knows. */
  async versions(agent: string): Promise<readonly VersionRecord[]> {
    checkName(agent, 'agent');
    const records = await this.#list(agent);
    for (const record of records) this.#known.add(record);
    return records;
  }

  /** Hashes of the agent's versions that are on this disk. */
  async cached(agent: string): Promise<ReadonlySet<string>> {
    const [records, cached] = await Promise.all([this.versions(agent), this.#parts.objects.list()]);
    return new Set(records.map(({ hash }) => hash).filter((hash) => cached.has(hash)));
  }

  /**
   * @param reference `v3`, `3`, the beginning of a hash (8 digits or more), `active`, `previous`
   * @throws SeedError `not_found`, `invalid_input` when more than one hash begins like that
   */
  async resolve(agent: string, reference: string): Promise<VersionRecord> {
    const known = this.#known.numbered(agent, reference);
    if (known !== undefined) return known;
    const records = await this.versions(agent);
    if (reference === 'active' || reference === 'previous') {
      const pointer = await this.active(agent);
      const hash = reference === 'active' ? pointer?.hash : pointer?.previous;
      const found = records.find((record) => record.hash === hash);
      if (found === undefined) throw new SeedError('not_found', `${agent} has no ${reference} version`);
      return found;
    }
    return findVersion(agent, reference, records);
  }

  /**
   * Notes that a version is live on this node. Activations of one agent happen one after the other. Whoever starts from the
   * pointer loads, and so checks, what it names.
   * @throws SeedError `not_found`, `storage_full`
   */
  async activate(agent: string, hash: string): Promise<ActivePointer> {
    checkName(agent, 'agent');
    return this.#parts.turns.take(`agent ${agent}`, async () => {
      await this.#numberOf(agent, hash);
      const before = await this.active(agent);
      if (before?.hash === hash) return before;
      const pointer = { agent, hash, previous: before?.hash ?? null, activatedAt: new Date(this.#parts.nowMs()).toISOString() };
      await this.#parts.files.writeActive(pointer, before);
      return pointer;
    });
  }

  /**
   * What was live on this node last; null when nothing was. A damaged pointer counts as the one before it.
   * @throws SeedError `artifact_corrupt` when that is damaged too
   */
  async active(agent: string): Promise<ActivePointer | null> {
    const { files, onDamage } = this.#parts;
    const [pointer, before] = await Promise.all([files.readActive(agent), files.readBefore(agent)]);
    if (pointer.state === 'whole') return pointer.value;
    if (pointer.state === 'missing' && before.state === 'missing') return null;
    const problem = `the pointer active/${agent} is ${pointer.state}`;
    onDamage({ agent, hash: null, problem, repaired: false });
    if (before.state === 'whole') return before.value;
    if (before.state === 'missing') return null;
    throw new SeedError('artifact_corrupt', `${problem}, and so is the one before it`, {
      hint: 'activate the version that should be live',
    });
  }

  /** Looks at every version and record, here and in the durable copy. Nothing is changed unless `repair` says so. */
  verify(request: VerifyRequest = {}): Promise<Verification> {
    return verifyStore(this.#parts, request);
  }

  /**
   * Whoever needs versions to stay says which, each time that garbage is collected: live on any node, pinned by calls in flight
   * or parked, in a rollout. @returns what ends it
   */
  hold(holder: Holder): () => void {
    this.#holders.add(holder);
    return () => void this.#holders.delete(holder);
  }

  /**
   * Removes from this disk what retention lets go and nobody holds; with `durable` from the durable copy too, for ever.
   * @throws what a holder throws: nothing is removed while somebody can not say what is needed
   */
  async gc(request: CollectRequest = {}): Promise<Collected> {
    const held = await Promise.all([...this.#holders].map(async (holder) => [...(await holder())]));
    if (request.durable === true) this.#known.clear();
    return collectGarbage(this.#parts, { ...request, held: new Set(held.flat()), activeOf: (agent) => this.active(agent) });
  }

  /**
   * Signs with a fresh key from here on, and signs again whatever is vouched for now. Can be run again after it was interrupted.
   * @param until when signatures of the present key cease to count: UTC, ISO 8601; null: at `keys.retire`
   */
  async rotateKey(until: string | null): Promise<{ keyId: string; resigned: number }> {
    const { keys } = this.#parts;
    const before = keys.accepted.find(({ keyId }) => keyId === keys.keyId);
    checkTime(until);
    const keyId = await keys.rotate(null);
    const resigned = await resignAll(this.#parts);
    // Not before everything is signed again: an end that has come already would leave it without a signature that counts.
    if (before !== undefined && until !== null) await keys.accept(before.publicKey, until);
    return { keyId, resigned };
  }

  /** @throws SeedError `storage_full` when nothing can be written under `root` now */
  async probe(): Promise<void> {
    const { disk, root } = this.#parts;
    await disk.probe(root);
  }

  /** Waits for what is being written. */
  async close(): Promise<void> {
    await this.#parts.turns.idle();
    await this.#parts.disk.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #restore(agent: string, hash: string): Promise<SignedArtifact> {
    const { signed, number } = await restoreArtifact(this.#parts, { agent, hash });
    if (number !== null) await this.#record(signed.artifact, number);
    return signed;
  }

  /** The black box's line about a version; the version does not fail for want of it. */
  async #record(artifact: Artifact, number: number): Promise<void> {
    const { hash, manifest } = artifact;
    const { agent, parent, proposer, createdAt } = manifest;
    const record = { agent, number, hash, parent, proposer, createdAt };
    this.#known.add(record);
    try {
      await this.#parts.files.write(record);
    } catch (error) {
      if (!isSeedError(error)) throw error;
      this.#parts.onDamage({ agent, hash, problem: `its record could not be written: ${error.message}`, repaired: false });
    }
  }

  async #numberOf(agent: string, hash: string): Promise<number> {
    const known = this.#known.hashed(agent, hash) ?? (await this.versions(agent)).find((record) => record.hash === hash);
    if (known === undefined) throw noVersion(agent, hash);
    return known.number;
  }

  async #list(agent: string): Promise<readonly VersionRecord[]> {
    try {
      return await this.#parts.durable.list(agent);
    } catch (error) {
      if (!isSeedError(error) || error.status !== 503) throw error;
      return this.#parts.files.list(agent);
    }
  }
}

/** A file where a folder of ours should be is nobody's: it is set aside, and the folder is made. */
async function ownFolder(disk: Disk, folder: string, onDamage: (damage: Damage) => void): Promise<void> {
  const found = await stat(folder).catch(() => null);
  if (found !== null && !found.isDirectory()) {
    const aside = `${folder}.set-aside`;
    const repaired = await rename(folder, aside).then(
      () => true,
      () => false,
    );
    onDamage({ agent: null, hash: null, problem: `${folder} is no folder${repaired ? `; it is ${aside} now` : ''}`, repaired });
  }
  await disk.makeFolder(folder);
}
