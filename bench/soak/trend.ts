// Whether a series rises: the slope of a line through the means of its blocks, with its confidence interval. Neighbouring samples
// are alike, and a line through them all would be far too sure of itself.

const BLOCKS = 12;
/** Student's t for BLOCKS - 2 degrees of freedom, two-sided: 95 % for seven series together, 99.3 % for each. */
const T = 3.39;

export interface Sample {
  /** Since the start, seconds. */
  atS: number;
  value: number;
}

export interface Trend {
  /** Units a minute. */
  slope: number;
  low: number;
  high: number;
  mean: number;
  rises: boolean;
}

/** @param samples after the warm-up, at least one a block */
export function trendOf(samples: readonly Sample[]): Trend {
  const size = samples.length / BLOCKS;
  const blocks = Array.from({ length: BLOCKS }, (_, index) => samples.slice(Math.floor(index * size), Math.floor((index + 1) * size)));
  const points = blocks
    .filter((block) => block.length > 0)
    .map((block) => ({ x: mean(block.map(({ atS }) => atS / 60)), y: mean(block.map(({ value }) => value)) }));
  const [mx, my] = [mean(points.map(({ x }) => x)), mean(points.map(({ y }) => y))];
  const sxx = points.reduce((sum, { x }) => sum + (x - mx) ** 2, 0);
  const slope = points.reduce((sum, { x, y }) => sum + (x - mx) * (y - my), 0) / sxx;
  const residual = points.reduce((sum, { x, y }) => sum + (y - my - slope * (x - mx)) ** 2, 0);
  const margin = T * Math.sqrt(residual / (points.length - 2) / sxx);
  return { slope, low: slope - margin, high: slope + margin, mean: my, rises: slope - margin > 0 };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
