import { expect, test } from 'vitest';
import { PathChooser } from './path-chooser.ts';

function observe(chooser: PathChooser, count: number, insideUs: number): void {
  for (let call = 0; call < count; call += 1) chooser.observe({ insideUs, asked: chooser.path, taken: chooser.path });
}

test('a version starts on the asynchronous path and earns the synchronous one by a window of quick calls', () => {
  const chooser = new PathChooser();
  observe(chooser, 255, 100);
  expect(chooser.path).toBe('async');
  observe(chooser, 1, 100);
  expect(chooser.path).toBe('sync');
});

test('two slow calls in a window are forgiven, three are not', () => {
  const chooser = new PathChooser();
  observe(chooser, 256, 100);
  observe(chooser, 2, 9_000);
  expect(chooser.path).toBe('sync');
  observe(chooser, 1, 9_000);
  expect(chooser.path).toBe('async');
});

test('calls that were on their way when the path changed do not change it back', () => {
  const chooser = new PathChooser();
  observe(chooser, 256, 100);
  for (let call = 0; call < 16; call += 1) chooser.observe({ insideUs: 9_000, asked: 'async', taken: 'async' });
  expect(chooser.path).toBe('sync');
});

test('twelve calls of a window may have waited for a core on the asynchronous path, where nobody can tell', () => {
  const chooser = new PathChooser();
  observe(chooser, 12, 9_000);
  observe(chooser, 244, 100);
  expect(chooser.path).toBe('sync');
});

test('a call that had to be moved takes the version with it, and the way back is longer', () => {
  const chooser = new PathChooser();
  observe(chooser, 256, 100);
  chooser.observe({ insideUs: 30_000, asked: 'sync', taken: 'async' });
  expect(chooser.path).toBe('async');
  observe(chooser, 7 * 256, 100);
  expect(chooser.path).toBe('async');
  observe(chooser, 256, 100);
  expect(chooser.path).toBe('sync');
});

test('a slow version never leaves the asynchronous path', () => {
  const chooser = new PathChooser();
  observe(chooser, 1_000, 6_000);
  expect(chooser.path).toBe('async');
});

test('where the synchronous path is not allowed nothing earns it', () => {
  const chooser = new PathChooser(false);
  observe(chooser, 1_000, 100);
  expect(chooser.path).toBe('async');
});
