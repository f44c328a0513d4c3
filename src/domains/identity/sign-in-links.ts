// One-time sign-in links: in memory, as hashes, and gone when the node is.
import { hashSecret, newSecret } from './secret.ts';

const LIFETIME_MS = 15 * 60_000;
/** The oldest is forgotten: only an administrator makes links. */
const CAPACITY = 100;

export interface SignInLink {
  /** With the secret; printed once, kept nowhere. */
  url: string;
  expiresAtMs: number;
}

export interface SignInLinks {
  create(url: string): SignInLink;
  isOpen(secret: string): boolean;
  /** Null when it was not open; it is not any more. @returns puts it back, for when nobody could be signed in with it */
  redeem(secret: string): (() => void) | null;
}

export function createSignInLinks(nowMs: () => number): SignInLinks {
  const expiries = new Map<string, number>();
  // Found by its hash: a comparison that ends early tells something about the hash, nothing about the secret.
  const isOpen = (secret: string): boolean => (expiries.get(hashSecret(secret)) ?? 0) > nowMs();
  return {
    create(url) {
      const secret = newSecret();
      const expiresAtMs = nowMs() + LIFETIME_MS;
      for (const [secretHash, expiry] of expiries) if (expiry <= nowMs()) expiries.delete(secretHash);
      if (expiries.size >= CAPACITY) expiries.delete(expiries.keys().next().value as string);
      expiries.set(hashSecret(secret), expiresAtMs);
      return { url: `${url.replace(/\/$/, '')}/sign-in/${secret}`, expiresAtMs };
    },
    isOpen,
    redeem(secret) {
      const secretHash = hashSecret(secret);
      const expiryMs = expiries.get(secretHash) ?? 0;
      expiries.delete(secretHash);
      return expiryMs > nowMs() ? () => void expiries.set(secretHash, expiryMs) : null;
    },
  };
}
