// Columns that are kept encrypted: AES-256-GCM under a key of their own, which is derived from a master key, so that a copy of the
// database alone says nothing, and a sealed text that is moved to another row or column can not be opened there.
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { SeedError } from '#lib/error.ts';

export interface MasterKey {
  keyId: string;
  /** 32 bytes. */
  key: Buffer;
}

/** Where a sealed text stands. */
export interface SealedPlace {
  table: string;
  column: string;
  /** Primary key of the row. */
  row: string;
}

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const FORM = '1';

export class Sealing {
  readonly #keys: ReadonlyMap<string, Buffer>;
  readonly #current: string;
  readonly #derived = new Map<string, Buffer>();

  /** @param keys the first seals, all of them open. @throws SeedError `internal` without any */
  constructor(keys: readonly MasterKey[]) {
    const [current] = keys;
    if (current === undefined) throw new SeedError('internal', 'there is no master key');
    this.#keys = new Map(keys.map(({ keyId, key }) => [keyId, key]));
    this.#current = current.keyId;
  }

  /** @returns `<form>.<key id>.<nonce>.<tag>.<text>`, the last three in base64url */
  seal(text: string, place: SealedPlace): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.#keyFor(this.#current, place), nonce).setAAD(boundTo(place));
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return [FORM, this.#current, ...[nonce, cipher.getAuthTag(), sealed].map((part) => part.toString('base64url'))].join('.');
  }

  /** @throws SeedError `configuration` when its master key is missing, `artifact_corrupt` when it was changed or moved */
  open(sealed: string, place: SealedPlace): string {
    const [form, keyId = '', nonce = '', tag = '', text = ''] = sealed.split('.');
    if (form !== FORM) throw corrupt(place);
    const key = this.#keyFor(keyId, place);
    try {
      const decipher = createDecipheriv(ALGORITHM, key, Buffer.from(nonce, 'base64url'), { authTagLength: 16 });
      decipher.setAAD(boundTo(place)).setAuthTag(Buffer.from(tag, 'base64url'));
      return Buffer.concat([decipher.update(Buffer.from(text, 'base64url')), decipher.final()]).toString('utf8');
    } catch (error) {
      throw corrupt(place, error);
    }
  }

  #keyFor(keyId: string, { table, column }: SealedPlace): Buffer {
    const purpose = `${table}.${column}`;
    const name = `${keyId} ${purpose}`;
    const known = this.#derived.get(name);
    if (known !== undefined) return known;
    const master = this.#keys.get(keyId);
    if (master === undefined) {
      throw new SeedError(
        'configuration',
        `${purpose} was sealed with the master key ${JSON.stringify(keyId.slice(0, 80))}, which is not there`,
        {
          hint: 'bring it back into master-keys.json of the keys folder, from a backup',
        },
      );
    }
    const key = Buffer.from(hkdfSync('sha256', master, '', `seed-agent ${purpose}`, 32));
    this.#derived.set(name, key);
    return key;
  }
}

function boundTo({ table, column, row }: SealedPlace): Buffer {
  return Buffer.from(`${table}:${column}:${row}`);
}

function corrupt({ table, column, row }: SealedPlace, cause?: unknown): SeedError {
  return new SeedError('artifact_corrupt', `${table}.${column} of ${row} is not what was sealed`, { cause });
}
