// The families in the product's own machinery: what the published table says of first fit and best fit comes out, inside and outside.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seedsFrom } from '#improvement/random.ts';
import { UNIFORM, WEIBULL } from './family.ts';
import { familyFolder, withPriority } from './folder.ts';
import { Scorer } from './scorer.ts';

const FIRST_FIT = 'return 0;';

describe.each([WEIBULL, UNIFORM])('$title', (family) => {
  let scorer: Scorer;
  beforeAll(async () => {
    scorer = await Scorer.start(await familyFolder(family));
  });
  afterAll(() => scorer[Symbol.asyncDispose]());

  // By how much a mean over a few fresh draws may differ from the published draw, in points.
  const apart = { or1: 1.2, or2: 0.8, or3: 0.5, or4: 0.4, w5k: 0.4, w10k: 0.4, w100k: 0.4 };

  test.each(family.columns)('$title: first fit and best fit are as published', async ({ key, task, published }) => {
    const scored = await scorer.score([{ files: withPriority(family, FIRST_FIT) }, { files: {} }], {
      set: `reported:${key}`,
      feed: 'inside',
      seeds: seedsFrom(1, key, task.items > 10_000 ? 1 : 4),
    });
    const [firstFit = Number.NaN, bestFit = Number.NaN] = scored.map((one) => (one.ok ? one.mean : Number.NaN));
    const points = apart[key as keyof typeof apart];
    expect(Math.abs(firstFit - published.firstFit)).toBeLessThan(points);
    expect(Math.abs(bestFit - published.bestFit)).toBeLessThan(points);
    expect(bestFit).toBeLessThan(firstFit);
  });

  test('a rule has the same score from inside and outside', async () => {
    const rule = { files: withPriority(family, 'const gap = residual - item;\n  return gap < 9 || gap > 20 ? -gap : -99;') };
    const seeds = seedsFrom(2, 'both', 1);
    const [inside] = await scorer.score([rule], { set: 'selection', feed: 'inside', seeds });
    const [outside] = await scorer.score([rule], { set: 'selection', feed: 'outside', seeds });
    expect(inside).toMatchObject({ ok: true, scores: [expect.any(Number)] });
    expect(outside).toMatchObject({ ok: true, scores: inside?.ok ? inside.scores : [] });
  });
});
