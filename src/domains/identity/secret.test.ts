import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hashSecret, newSecret, sameHash } from './secret.ts';

test('a secret has 32 random bytes and can stand anywhere', () => {
  const secrets = Array.from({ length: 200 }, newSecret);
  expect(new Set(secrets).size).toBe(200);
  for (const secret of secrets) expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
});

test('hashes are compared whole: one for any secret, of one length, so that nothing ends early', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      expect(hashSecret(a)).toMatch(/^[0-9a-f]{64}$/);
      expect(sameHash(hashSecret(a), hashSecret(b))).toBe(a === b || Buffer.from(a).equals(Buffer.from(b)));
    }),
  );
});
