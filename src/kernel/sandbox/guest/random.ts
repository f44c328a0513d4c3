// The generator behind ctx.random, Math.random and the draws of evaluations: a recorded seed gives the same numbers everywhere.

/**
 * Chris Doty-Humphrey's sfc32, uniform in [0, 1) in steps of 2⁻³². `seed`: a whole number below 2⁵³; each starts another stream.
 * Self-contained: its text is part of the guest script.
 */
export function seededRandom(seed: number): () => number {
  let a = seed >>> 0;
  let b = Math.floor(seed / 0x1_0000_0000) >>> 0;
  let c = 0x9e3779b9;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 0x1_0000_0000;
  };
  // Neighbouring seeds start out alike.
  for (let round = 0; round < 15; round += 1) next();
  return next;
}
