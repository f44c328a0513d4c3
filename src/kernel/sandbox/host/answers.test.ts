import { expect, test } from 'vitest';
import { AnswerSample, type Answer } from './answers.ts';

const answer = (n: number, length = 10): Answer => ({ inputJson: String(n), outputJson: 'x'.repeat(length), streamed: false });

function sampled(seed: number, answers: readonly Answer[]): readonly Answer[] {
  const sample = new AnswerSample(seed);
  for (const one of answers) sample.add(one);
  return sample.kept;
}

test('keeps all of a few, and 32 of many', () => {
  const many = Array.from({ length: 1_000 }, (_, n) => answer(n));
  expect(sampled(1, many.slice(0, 32))).toEqual(many.slice(0, 32));
  expect(sampled(1, many)).toHaveLength(32);
  expect(sampled(1, many)).toEqual(sampled(1, many));
  expect(sampled(1, many)).not.toEqual(sampled(2, many));
});

test('each with the same chance, wherever it stands', () => {
  const many = Array.from({ length: 320 }, (_, n) => answer(n));
  const halves = [0, 0];
  for (let seed = 0; seed < 200; seed += 1) for (const { inputJson } of sampled(seed, many)) halves[Number(inputJson) < 160 ? 0 : 1]! += 1;
  // 6,400 draws: 200 away from the half is five standard deviations.
  expect(Math.abs(halves[0]! - 3_200)).toBeLessThan(200);
});

test('of long ones fewer, never none', () => {
  const long = Array.from({ length: 64 }, (_, n) => answer(n, 50_000));
  expect(sampled(1, long)).toHaveLength(5);
  expect(sampled(1, [answer(1, 1_000_000)])).toHaveLength(1);
});
