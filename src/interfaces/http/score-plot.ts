// The scores of an improvement while it searches, as inline SVG: no script, readable in light and dark, with words for
// those who can not see it.

export interface ScorePoint {
  elapsedMs: number;
  best: number;
  baseline: number;
}

export interface ScorePlotOptions {
  /** Of the score, for the axis. */
  label: string;
  /** Score of the winner on the test set, drawn as a line of its own. */
  test?: number | null;
  width?: number;
  height?: number;
}

const MARGIN = { top: 12, right: 16, bottom: 34, left: 56 };

/** SVG text, safe to stand in a page: numbers and escaped labels only. Empty when there are fewer than two points. */
export function scorePlot(points: readonly ScorePoint[], options: ScorePlotOptions): string {
  const { width = 640, height = 240, test = null, label } = options;
  const finite = points.filter((point) => [point.elapsedMs, point.best, point.baseline].every(Number.isFinite));
  const last = finite.at(-1);
  if (last === undefined || finite.length < 2) return '';
  const values = [...finite.flatMap((point) => [point.best, point.baseline]), ...(test === null ? [] : [test])];
  const x = scale([0, last.elapsedMs], [MARGIN.left, width - MARGIN.right]);
  const range = padded(Math.min(...values), Math.max(...values));
  const y = scale(range, [height - MARGIN.bottom, MARGIN.top]);
  const line = (of: (point: ScorePoint) => number): string =>
    finite.map((point) => `${round(x(point.elapsedMs))},${round(y(of(point)))}`).join(' ');
  const grid = ticks(range, 4).map(
    (value) =>
      `<line class="grid" x1="${MARGIN.left}" x2="${width - MARGIN.right}" y1="${round(y(value))}" y2="${round(y(value))}"/>` +
      `<text x="${MARGIN.left - 8}" y="${round(y(value) + 4)}" text-anchor="end">${format(value)}</text>`,
  );
  const seconds = ticks([0, last.elapsedMs / 1000], 6).map(
    (value) => `<text x="${round(x(value * 1000))}" y="${height - 14}" text-anchor="middle">${Math.round(value)} s</text>`,
  );
  const testLine =
    test === null
      ? ''
      : `<line class="test" x1="${MARGIN.left}" x2="${width - MARGIN.right}" y1="${round(y(test))}" y2="${round(y(test))}"/>` +
        `<text class="test-label" x="${width - MARGIN.right}" y="${round(y(test) - 5)}" text-anchor="end">test ${format(test)}</text>`;
  const words = `${escape(label)} over ${Math.round(last.elapsedMs / 1000)} seconds: best ${format(last.best)}, baseline ${format(last.baseline)}`;
  return (
    `<svg class="plot" viewBox="0 0 ${width} ${height}" role="img" aria-label="${words}">` +
    `<title>${words}</title>${grid.join('')}${seconds.join('')}` +
    `<polyline class="baseline" points="${line((point) => point.baseline)}"/>` +
    `<polyline class="best" points="${line((point) => point.best)}"/>${testLine}</svg>`
  );
}

function scale([from, to]: readonly [number, number], [start, end]: readonly [number, number]): (value: number) => number {
  const span = to - from || 1;
  return (value) => start + ((value - from) / span) * (end - start);
}

function padded(low: number, high: number): [number, number] {
  const pad = (high - low || Math.abs(high) || 1) * 0.08;
  return [low >= 0 ? Math.max(0, low - pad) : low - pad, high + pad];
}

/** Round values within a range, about as many as asked for. */
function ticks([low, high]: readonly [number, number], count: number): number[] {
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw) ?? raw;
  const values: number[] = [];
  for (let value = Math.ceil(low / step) * step; value <= high; value += step) values.push(value);
  return values;
}

function format(value: number): string {
  return Number(value.toPrecision(3)).toString();
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
