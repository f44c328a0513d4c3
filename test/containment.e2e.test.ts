// A sample of the attacks of `npm run bench -- containment`, judged by the same code: each cause of an escape once, and one of every
// category of attacks on time, memory and order.
import { beforeAll, describe, expect, test } from 'vitest';
import { contain, type Containment } from '../bench/containment.ts';
import { corpus, sample } from './attacks/corpus.ts';
import type { Payload } from './attacks/payload.ts';

/** Far above the bench's 600 ms, because this machine may be busy with everything else. What is tested is that it ends. */
const ENDED_WITHIN_MS = 30_000;
const GROWTH_BYTES = 330 * 1024 * 1024;

let run: Containment;
const lines: string[] = [];
beforeAll(async () => {
  run = await contain(sample(), (line) => lines.push(line));
}, 300_000);

const names = (wrong: (verdict: Containment['verdicts'][number]) => boolean): string[] =>
  run.verdicts
    .filter(wrong)
    .map(({ payload, how, escaped, neighbour }) => `${payload.name}: ${escaped ?? how} ${neighbour.lastFailure ?? ''}`);

describe('a sample of the attacks', () => {
  test('none escapes', () => {
    expect(names(({ escaped }) => escaped !== null)).toEqual([]);
  });

  test('in node:vm most of the escapes succeed, so they would be seen', () => {
    const { succeeded, of } = run.control;
    expect(of).toBeGreaterThan(60);
    expect(succeeded / of).toBeGreaterThanOrEqual(0.5);
  });

  test('each is ended', () => {
    expect(names(({ afterDeadlineMs, how }) => afterDeadlineMs > ENDED_WITHIN_MS || how === 'never')).toEqual([]);
  });

  test('none that must fail is answered', () => {
    expect(names(({ isDud }) => isDud)).toEqual([]);
  });

  test('the memory of the hosts stays bounded', () => {
    expect(names(({ growthBytes }) => growthBytes > GROWTH_BYTES)).toEqual([]);
  });

  test('the node is the same process at the end', () => {
    expect(names(({ nodeAlive }) => !nodeAlive)).toEqual([]);
  });

  test('not one call of the neighbour fails', () => {
    expect(run.verdicts.reduce((sum, { neighbour }) => sum + neighbour.calls, 0)).toBeGreaterThan(100);
    expect(names(({ neighbour }) => neighbour.failed > 0)).toEqual([]);
  });

  test('a line is said for every category', () => {
    for (const category of new Set(run.verdicts.map(({ payload }) => payload.category)))
      expect(lines.some((line) => line.includes(category))).toBe(true);
  });
});

test('the corpus is as large as is said of it, and no two attacks are the same', () => {
  const all = corpus();
  const escapes = all.filter(({ aim }) => aim === 'escape');
  expect(escapes.length).toBeGreaterThanOrEqual(384);
  expect(new Set(escapes.map(({ cause }) => cause)).size).toBeGreaterThanOrEqual(40);
  expect(all.length - escapes.length).toBeGreaterThanOrEqual(150);
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
  const does = ({ name: _name, cause: _cause, category: _category, ...rest }: Payload) => JSON.stringify(rest);
  expect(new Set(all.map(does)).size).toBe(all.length);
});
