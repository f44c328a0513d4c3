// Who may vouch for an artifact: one key of our own, and public keys that are accepted beside it, ours of before or those of
// other nodes. The folder belongs to the node process alone; proposers and sandbox hosts never see it.
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';
import { chmod, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { sha256 } from '#lib/canonical-json.ts';
import { SeedError } from '#lib/error.ts';
import type { ManifestSignature } from './artifact-store.ts';
import { makeFolder, writeDurably } from './durable-file.ts';

const PRIVATE_FILE = 'signing-key.pem';
const ACCEPTED_FILE = 'accepted-keys.json';
/** Keeps a signature from being one of something else that the key may sign one day. */
const PURPOSE = 'seed-agent manifest 1\n';

const acceptedSchema = z.array(
  z.strictObject({
    keyId: z.string(),
    /** SubjectPublicKeyInfo, PEM. */
    publicKey: z.string(),
    /** UTC, ISO 8601; null: until it is taken out. */
    until: z.iso.datetime({ offset: true }).nullable(),
  }),
);
export type AcceptedKey = z.output<typeof acceptedSchema>[number];

export type Verdict = 'valid' | 'wrong' | 'unknown_key' | 'retired_key';

export interface SigningKeysOptions {
  folder: string;
  /** ms since the epoch */
  nowMs: () => number;
}

export class SigningKeys {
  readonly #options: SigningKeysOptions;
  #private: KeyObject;
  #keyId: string;
  #accepted = new Map<string, { key: KeyObject; record: AcceptedKey }>();

  /**
   * Reads the keys, or makes them at the first start: the private one 0600.
   * @throws SeedError `configuration` when a file is not what it was, `storage_full`
   */
  static async open(options: SigningKeysOptions): Promise<SigningKeys> {
    const { folder } = options;
    await makeFolder(folder, 0o700);
    const accepted = await readAccepted(folder);
    const pem = await readPrivate(folder);
    if (pem !== null) {
      const keys = new SigningKeys(options, pem, accepted);
      // Its public half was written before it: a private key that nobody knows is one that was changed.
      if (accepted.length > 0 && !accepted.some(({ keyId }) => keyId === keys.keyId)) throw damaged(join(folder, PRIVATE_FILE));
      return keys;
    }
    const fresh = generatePem();
    const keys = new SigningKeys(options, fresh, accepted);
    // The public half first: whatever the private one signs can be verified even when it is lost.
    await keys.#writeAccepted([...accepted, keys.#own(null)]);
    await writeDurably(folder, { [PRIVATE_FILE]: fresh }, 0o600);
    return keys;
  }

  private constructor(options: SigningKeysOptions, pem: string, accepted: readonly AcceptedKey[]) {
    this.#options = options;
    this.#private = parsePrivate(pem, options.folder);
    this.#keyId = keyIdOf(createPublicKey(this.#private));
    this.#take(accepted);
  }

  /** Of the key that signs. */
  get keyId(): string {
    return this.#keyId;
  }

  /** All keys whose signatures count, with their end; the one that signs among them. */
  get accepted(): readonly AcceptedKey[] {
    return [...this.#accepted.values()].map(({ record }) => record);
  }

  sign(text: string): ManifestSignature {
    return { keyId: this.#keyId, value: sign(null, Buffer.from(PURPOSE + text), this.#private).toString('hex') };
  }

  verify(text: string, { keyId, value }: ManifestSignature): Verdict {
    const known = this.#accepted.get(keyId);
    if (known === undefined) return 'unknown_key';
    const { until } = known.record;
    if (keyId !== this.#keyId && until !== null && Date.parse(until) <= this.#options.nowMs()) return 'retired_key';
    if (!/^[0-9a-f]{128}$/.test(value)) return 'wrong';
    return verify(null, Buffer.from(PURPOSE + text), known.key, Buffer.from(value, 'hex')) ? 'valid' : 'wrong';
  }

  /** Accepts another node's key, or an old one again. @param publicKey PEM @returns its id */
  async accept(publicKey: string, until: string | null = null): Promise<string> {
    const key = parsePublic(publicKey);
    const record: AcceptedKey = { keyId: keyIdOf(key), publicKey: pemOf(key), until: checkTime(until) };
    await this.#writeAccepted([...this.accepted.filter(({ keyId }) => keyId !== record.keyId), record]);
    return record.keyId;
  }

  /** @throws SeedError `invalid_state` for the key that signs */
  async retire(keyId: string): Promise<void> {
    if (keyId === this.#keyId) throw new SeedError('invalid_state', `${keyId} is the key that signs`, { hint: 'rotate first' });
    await this.#writeAccepted(this.accepted.filter((record) => record.keyId !== keyId));
  }

  /** Signs with a fresh key from here on; signatures of the one before count until `until` (null: until it is retired). */
  async rotate(until: string | null): Promise<string> {
    const fresh = generatePem();
    const next = new SigningKeys(this.#options, fresh, []);
    const before = this.#own(checkTime(until));
    const kept = this.accepted.filter(({ keyId }) => keyId !== this.#keyId);
    // In this order, so that a crash between the two leaves the old key signing and accepted: a signing key always is.
    await this.#writeAccepted([...kept, before, next.#own(null)]);
    await writeDurably(this.#options.folder, { [PRIVATE_FILE]: fresh }, 0o600);
    this.#private = next.#private;
    this.#keyId = next.#keyId;
    return this.#keyId;
  }

  #own(until: string | null): AcceptedKey {
    return { keyId: this.#keyId, publicKey: pemOf(createPublicKey(this.#private)), until };
  }

  async #writeAccepted(records: readonly AcceptedKey[]): Promise<void> {
    await writeDurably(this.#options.folder, { [ACCEPTED_FILE]: `${JSON.stringify(records, null, 2)}\n` }, 0o600);
    this.#take(records);
  }

  #take(records: readonly AcceptedKey[]): void {
    this.#accepted = new Map(
      [...records, ...(records.some(({ keyId }) => keyId === this.#keyId) ? [] : [this.#own(null)])].map((record) => [
        record.keyId,
        { key: parsePublic(record.publicKey), record },
      ]),
    );
  }
}

async function readPrivate(folder: string): Promise<string | null> {
  const path = join(folder, PRIVATE_FILE);
  try {
    const { mode } = await stat(path);
    // Some volumes come back with the group's bits set: nobody else may read it, so that is mended, not refused.
    if ((mode & 0o077) !== 0) await chmod(path, 0o600);
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function readAccepted(folder: string): Promise<AcceptedKey[]> {
  const path = join(folder, ACCEPTED_FILE);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  try {
    const records = acceptedSchema.parse(JSON.parse(text));
    if (records.every(({ keyId, publicKey }) => keyIdOf(parsePublic(publicKey)) === keyId)) return records;
  } catch (error) {
    throw damaged(path, error);
  }
  throw damaged(path);
}

function parsePrivate(pem: string, folder: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch (error) {
    throw damaged(join(folder, PRIVATE_FILE), error);
  }
  throw damaged(join(folder, PRIVATE_FILE));
}

function parsePublic(pem: string): KeyObject {
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch (error) {
    throw new SeedError('invalid_input', 'this is not a public key', { cause: error });
  }
  throw new SeedError('invalid_input', 'this is not an Ed25519 public key');
}

function damaged(path: string, cause?: unknown): SeedError {
  const consequence = path.endsWith(PRIVATE_FILE)
    ? 'a new key is made, and what the old one signed is still accepted'
    : 'then only what the present key signed is accepted';
  return new SeedError('configuration', `${path} is not what was written`, {
    cause,
    hint: `bring it back from a backup, or remove it: ${consequence}`,
  });
}

/** A time nobody can read would never come. @returns it @throws SeedError `invalid_input` */
export function checkTime(until: string | null): string | null {
  if (acceptedSchema.element.shape.until.safeParse(until).success) return until;
  throw new SeedError('invalid_input', `${JSON.stringify(until)} is not a time`, { hint: 'for example 2026-12-31T00:00:00Z' });
}

function generatePem(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }) as string;
}

function keyIdOf(publicKey: KeyObject): string {
  return sha256(publicKey.export({ type: 'spki', format: 'der' })).slice(0, 32);
}
