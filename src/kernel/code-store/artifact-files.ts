// One artifact as files in objects/: <hash>.js .map .eval.js .sources.json, and <hash>.json with the signed manifest. Reading
// believes nothing: every byte must be what the manifest, its hash and its signature say.
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson, sha256 } from '#lib/canonical-json.ts';
import type { Artifact, Manifest, SourceFiles } from '../compiler/artifact.ts';
import type { ManifestSignature, SignedArtifact } from './artifact-store.ts';
import type { Disk } from './disk.ts';
import type { SigningKeys, Verdict } from './signing-keys.ts';

export const HASH = /^[0-9a-f]{64}$/;
const SUFFIXES = ['.js', '.map', '.eval.js', '.sources.json', '.json'] as const;
const OBJECT = /^(?<hash>[0-9a-f]{64})(?:\.js|\.map|\.eval\.js|\.sources\.json|\.json)$/;

/** missing: no file of it is there. Anything else is said in words, with the file. */
export type ReadArtifact = { state: 'whole'; signed: SignedArtifact } | { state: 'missing' } | { state: 'damaged'; problem: string };

export interface CachedArtifact {
  sizeBytes: number;
  /** Of the newest file, ms since the epoch. */
  changedAtMs: number;
}

const VERDICTS: Readonly<Record<Exclude<Verdict, 'valid'>, string>> = {
  wrong: 'the signature is wrong',
  unknown_key: 'it is signed by a key that is not accepted',
  retired_key: 'it is signed by a key that is no longer accepted',
};

export function hashManifest(manifest: Manifest): string {
  return sha256(canonicalJson(manifest));
}

/** What is wrong with an artifact, wherever it came from; null when nothing is. */
export function artifactProblem({ artifact, signature }: SignedArtifact, keys: SigningKeys): string | null {
  const { manifest, hash, js, map, evaluationJs, sources } = artifact;
  if (hashManifest(manifest) !== hash) return 'the manifest does not have the hash of its name';
  const verdict = keys.verify(canonicalJson(manifest), signature);
  if (verdict !== 'valid') return VERDICTS[verdict];
  if (sha256(js) !== manifest.jsHash) return 'the script is not the one that was signed';
  if (sha256(map) !== manifest.mapHash) return 'the source map is not the one that was signed';
  if ((evaluationJs === null ? null : sha256(evaluationJs)) !== manifest.evaluationHash)
    return 'the evaluation is not the one that was signed';
  if (canonicalJson(fileHashes(sources)) !== canonicalJson(manifest.files)) return 'the sources are not those that were signed';
  return null;
}

/** Whether the key that it says it is signed by counts here; nothing else of it is looked at. */
export function isAcceptable({ artifact, signature }: SignedArtifact, keys: SigningKeys): boolean {
  const verdict = keys.verify(canonicalJson(artifact.manifest), signature);
  return verdict === 'valid' || verdict === 'wrong';
}

export function fileHashes(sources: SourceFiles): Record<string, string> {
  return Object.fromEntries(Object.entries(sources).map(([path, text]) => [path, sha256(text)]));
}

export class ArtifactFiles {
  readonly #disk: Disk;
  readonly #folder: string;

  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
  }

  /** @throws SeedError `storage_full` */
  async write({ artifact, signature }: SignedArtifact): Promise<void> {
    const { hash, manifest, js, map, evaluationJs, sources } = artifact;
    await this.#disk.write(this.#folder, {
      [`${hash}.js`]: js,
      [`${hash}.map`]: map,
      ...(evaluationJs === null ? {} : { [`${hash}.eval.js`]: evaluationJs }),
      [`${hash}.sources.json`]: canonicalJson(sources),
      // Last: what has a manifest is meant to be whole.
      [`${hash}.json`]: canonicalJson({ manifest, signature }),
    });
  }

  async read(hash: string, keys: SigningKeys): Promise<ReadArtifact> {
    const texts = await this.#disk.read(SUFFIXES.map((suffix) => join(this.#folder, hash + suffix)));
    const [js, map, evaluationJs, sourcesJson, envelopeJson] = texts;
    if (texts.every((text) => text === null)) return { state: 'missing' };
    if (
      typeof js !== 'string' ||
      typeof map !== 'string' ||
      typeof sourcesJson !== 'string' ||
      typeof envelopeJson !== 'string' ||
      evaluationJs === undefined
    ) {
      return { state: 'damaged', problem: 'a file of it is missing' };
    }
    const envelope = parseExactly<Partial<Envelope>>(envelopeJson);
    if (!isEnvelope(envelope)) return { state: 'damaged', problem: `${hash}.json is not what was written` };
    const sources = parseExactly<SourceFiles>(sourcesJson);
    if (sources === null) return { state: 'damaged', problem: `${hash}.sources.json is not what was written` };
    const artifact: Artifact = { hash, manifest: envelope.manifest, js, map, evaluationJs, sources };
    const signed = { artifact, signature: envelope.signature };
    const problem = artifactProblem(signed, keys);
    return problem === null ? { state: 'whole', signed } : { state: 'damaged', problem };
  }

  async remove(hash: string): Promise<void> {
    // The manifest first: what has none is not served, however far this gets.
    for (const suffix of SUFFIXES.toReversed()) {
      await rm(join(this.#folder, hash + suffix), { force: true, recursive: true });
    }
  }

  /** By hash, what has any file there. */
  async list(): Promise<Map<string, CachedArtifact>> {
    const found = new Map<string, CachedArtifact>();
    // A folder that somebody has removed is made again by the next who writes.
    const there = await readdir(this.#folder).catch((error: NodeJS.ErrnoException) =>
      error.code === 'ENOENT' ? [] : Promise.reject(error),
    );
    const names = there.filter((name) => OBJECT.test(name));
    const stats = await Promise.all(names.map((name) => stat(join(this.#folder, name)).catch(() => null)));
    for (const [index, name] of names.entries()) {
      const hash = OBJECT.exec(name)?.groups?.['hash'] ?? '';
      const { size = 0, mtimeMs = 0 } = stats[index] ?? {};
      const { sizeBytes = 0, changedAtMs = 0 } = found.get(hash) ?? {};
      found.set(hash, { sizeBytes: sizeBytes + size, changedAtMs: Math.max(changedAtMs, mtimeMs) });
    }
    return found;
  }
}

interface Envelope {
  manifest: Manifest;
  signature: ManifestSignature;
}

/** What the manifest says is vouched for by its signature; that there are both is not. */
function isEnvelope(value: Partial<Envelope> | null): value is Envelope {
  const { manifest, signature } = value ?? {};
  return typeof manifest === 'object' && typeof signature?.keyId === 'string' && typeof signature.value === 'string';
}

/** Null unless the text is the canonical JSON of what it says. */
function parseExactly<T>(text: string): T | null {
  try {
    const value = JSON.parse(text) as T;
    return canonicalJson(value) === text ? value : null;
  } catch {
    return null;
  }
}
