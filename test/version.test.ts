// One version, said in three places.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

function read(file: string): string {
  return readFileSync(path.join(import.meta.dirname, '..', file), 'utf8');
}

test('VERSION, package.json, package-lock.json and the changelog agree', () => {
  const version = read('VERSION').trim();
  expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  expect((JSON.parse(read('package.json')) as { version: string }).version).toBe(version);
  expect((JSON.parse(read('package-lock.json')) as { version: string }).version).toBe(version);
  expect(read('CHANGELOG.md')).toContain(`\n## [${version}]`);
});
