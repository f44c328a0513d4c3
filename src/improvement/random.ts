// Seeds for draws: everything an improvement draws follows from one secret number, and no two uses share a stream.
import { createHash } from 'node:crypto';

/** `count` seeds below 2⁴⁸ that follow from the secret and the purpose alone: too many to find the one that a sample was drawn from. */
export function seedsFrom(secret: number, purpose: string, count: number): number[] {
  return Array.from({ length: count }, (_, index) =>
    createHash('sha256').update(`${secret}/${purpose}/${index}`).digest().readUIntBE(0, 6),
  );
}

/** Uniform in [0, 1), following from the secret and the purpose (mulberry32). */
export function randomFrom(secret: number, purpose: string): () => number {
  let state = Math.floor((seedsFrom(secret, purpose, 1)[0] ?? 0) / 0x1_0000);
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
