import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SigningKeys } from './signing-keys.ts';

const PRIVATE = 'signing-key.pem';
const ACCEPTED = 'accepted-keys.json';

let folder: string;
let nowMs = Date.parse('2026-01-01T00:00:00Z');
const open = (at = folder) => SigningKeys.open({ folder: at, nowMs: () => nowMs });

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'seed-keys-')), 'keys');
  nowMs = Date.parse('2026-01-01T00:00:00Z');
});
afterEach(() => rm(join(folder, '..'), { recursive: true }));

test('a key is made at the first start, for nobody else to read, and found again', async () => {
  const keys = await open();
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  expect((await stat(join(folder, PRIVATE))).mode & 0o777).toBe(0o600);
  const signature = keys.sign('text');
  expect(keys.verify('text', signature)).toBe('valid');
  const again = await open();
  expect(again.keyId).toBe(keys.keyId);
  expect(again.verify('text', signature)).toBe('valid');
});

test('a key that others could read is taken back from them', async () => {
  await open();
  await chmod(join(folder, PRIVATE), 0o644);
  await open();
  expect((await stat(join(folder, PRIVATE))).mode & 0o777).toBe(0o600);
});

test('a signature is of one text, by one key', async () => {
  const keys = await open();
  const signature = keys.sign('text');
  expect(keys.verify('texd', signature)).toBe('wrong');
  const { value } = signature;
  for (let index = 0; index < value.length; index += 1) {
    const changed = value.slice(0, index) + (value[index] === '0' ? '1' : '0') + value.slice(index + 1);
    expect(keys.verify('text', { ...signature, value: changed })).toBe('wrong');
  }
  for (const odd of ['', value.toUpperCase(), value.slice(2), `${value}00`, `${value.slice(0, -1)}g`]) {
    expect(keys.verify('text', { ...signature, value: odd })).toBe('wrong');
  }
  expect(keys.verify('text', { ...signature, keyId: 'f'.repeat(32) })).toBe('unknown_key');
});

test('a stranger is not believed until it is accepted', async () => {
  const keys = await open();
  const other = await open(join(folder, '..', 'other'));
  const signature = other.sign('text');
  expect(keys.verify('text', signature)).toBe('unknown_key');
  const publicKey = other.accepted.find(({ keyId }) => keyId === other.keyId)?.publicKey ?? '';
  expect(await keys.accept(publicKey)).toBe(other.keyId);
  expect(keys.verify('text', signature)).toBe('valid');
  expect((await open()).verify('text', signature)).toBe('valid');
  await keys.retire(other.keyId);
  expect(keys.verify('text', signature)).toBe('unknown_key');
  await expect(keys.accept('no key')).rejects.toMatchObject({ code: 'invalid_input' });
});

describe('rotation', () => {
  test('the key before counts for a while, and then no longer', async () => {
    const keys = await open();
    const before = keys.keyId;
    const signature = keys.sign('text');
    const after = await keys.rotate('2026-01-08T00:00:00Z');
    expect(after).not.toBe(before);
    expect(keys.sign('text').keyId).toBe(after);
    expect(keys.verify('text', signature)).toBe('valid');
    expect((await open()).verify('text', signature)).toBe('valid');
    nowMs = Date.parse('2026-01-08T00:00:00Z');
    expect(keys.verify('text', signature)).toBe('retired_key');
    expect(keys.verify('text', keys.sign('text'))).toBe('valid');
    await keys.retire(before);
    expect(keys.verify('text', signature)).toBe('unknown_key');
    await expect(keys.retire(after)).rejects.toMatchObject({ code: 'invalid_state' });
  });

  test('needs an end that can be read', async () => {
    const keys = await open();
    const before = keys.keyId;
    await expect(keys.rotate('next week')).rejects.toMatchObject({ code: 'invalid_input' });
    expect(keys.keyId).toBe(before);
  });

  test('that was interrupted between its two files leaves the old key signing', async () => {
    const keys = await open();
    const signature = keys.sign('text');
    const privateKey = await readFile(join(folder, PRIVATE));
    await keys.rotate('2026-01-02T00:00:00Z');
    await writeFile(join(folder, PRIVATE), privateKey);
    nowMs = Date.parse('2026-02-01T00:00:00Z');
    const interrupted = await open();
    expect(interrupted.verify('text', signature)).toBe('valid');
    expect(interrupted.verify('text', interrupted.sign('text'))).toBe('valid');
  });

  test('survives the loss of the private key: what it signed still counts', async () => {
    const keys = await open();
    const signature = keys.sign('text');
    await rm(join(folder, PRIVATE));
    const fresh = await open();
    expect(fresh.keyId).not.toBe(keys.keyId);
    expect(fresh.verify('text', signature)).toBe('valid');
  });
});

describe('a damaged file is never mistaken for another key', () => {
  test.each([PRIVATE, ACCEPTED])('%s with any bit of it flipped', async (name) => {
    const keys = await open();
    const signature = keys.sign('text');
    const path = join(folder, name);
    const whole = await readFile(path);
    for (let index = 0; index < whole.length; index += 3) {
      const flipped = Buffer.from(whole);
      flipped[index] = (flipped[index] ?? 0) ^ (1 << (index % 8));
      await writeFile(path, flipped);
      // Either it is refused, or the change means nothing (a blank, a base64 digit's unused bits).
      const opened = await open().catch((error: unknown) => error as { code: string });
      if (opened instanceof SigningKeys) {
        expect(opened.keyId).toBe(keys.keyId);
        expect(opened.verify('text', signature)).toBe('valid');
      } else {
        expect(opened.code).toBe('configuration');
      }
    }
  });
});
