import { expect, test } from 'vitest';
import { scorePlot } from './score-plot.ts';

const points = Array.from({ length: 5 }, (_, index) => ({ elapsedMs: index * 1_000, best: 4 - index * 0.5, baseline: 4 }));

test('draws best and baseline over time, from left to right and within the picture', () => {
  const svg = scorePlot(points, { label: 'excess in %', test: 2.1 });
  const best =
    /class="best" points="([^"]+)"/
      .exec(svg)?.[1]
      ?.split(' ')
      .map((pair) => pair.split(',').map(Number)) ?? [];
  expect(best).toHaveLength(5);
  const xs = best.map(([x]) => x ?? NaN);
  const ys = best.map(([, y]) => y ?? NaN);
  expect(xs).toEqual(xs.toSorted((a, b) => a - b));
  // A smaller score lies lower in the picture: y grows downwards.
  expect(ys).toEqual(ys.toSorted((a, b) => a - b));
  for (const [x, y] of best) {
    expect(x).toBeGreaterThanOrEqual(0);
    expect(x).toBeLessThanOrEqual(640);
    expect(y).toBeLessThanOrEqual(240);
  }
  expect(svg).toContain('test 2.1');
  expect(svg).toContain('best 2, baseline 4');
});

test('has nothing to draw from fewer than two points, nor from what is no number', () => {
  expect(scorePlot(points.slice(0, 1), { label: 'x' })).toBe('');
  expect(
    scorePlot(
      [
        { elapsedMs: 0, best: NaN, baseline: 1 },
        { elapsedMs: 1, best: Infinity, baseline: 1 },
      ],
      { label: 'x' },
    ),
  ).toBe('');
});

test('a flat line is drawn too', () => {
  expect(scorePlot([points[0]!, { ...points[0]!, elapsedMs: 500 }], { label: 'x' })).toContain('polyline');
});

test('a label can not break out', () => {
  expect(scorePlot(points, { label: '"><script>' })).not.toContain('<script>');
});
