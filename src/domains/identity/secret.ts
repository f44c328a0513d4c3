// Secrets that others show us: made from 32 random bytes, kept as a hash, compared in constant time.
import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

/** 43 characters that can stand in an address, a header and a cookie. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** sha256, hex. Fast on purpose: there is nothing to guess in 32 random bytes. */
export function hashSecret(secret: string): string {
  return hash('sha256', secret, 'hex');
}

/** Whether two hashes are the same; how long it takes does not depend on where they differ. */
export function sameHash(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1'));
}
