// Conditions of a rule on what an item brings: dotted paths into its payload, each with one or more operators. Pure.
import { compilePattern, PatternRefused } from '#kernel/compiler/pattern.ts';
import { WorkBudget } from '#kernel/compiler/work-budget.ts';
import { conditionSchema, type Scalar, type Test } from './condition-schema.ts';
import { argvOf, commandLine } from './argv.ts';

/** Names under which rules from elsewhere knew the same. */
const PATH_NAMES = ['input.path', 'input.file_path', 'path', 'file_path'];
const COMMAND_NAMES = /(?:^|\.)(?:command|cmd)$/;
const PATH_LIKE = /(?:^|\.)(?:\w+_)?(?:path|file|folder|dir|directory)$/;
const MAX_PATTERN = 500;
const OPERATORS = 'a value, a list of values, or an object of eq, in, glob, regex, lt, gt, exists';

/** What is wrong with them, by path; empty when nothing is. */
export function conditionProblems(conditions: Readonly<Record<string, unknown>>): readonly { path: string; message: string }[] {
  const unknown = Object.entries(conditions).filter(([, given]) => !conditionSchema.safeParse(given).success);
  if (unknown.length > 0) return unknown.map(([path]) => ({ path: `conditions.${path}`, message: OPERATORS }));
  return Object.entries(readable(conditions)).flatMap(([path, test]) => {
    const problems: { path: string; message: string }[] = [];
    if (test.regex !== undefined) problems.push(...patternProblems(`conditions.${path}.regex`, test.regex, test.regex));
    if (test.glob !== undefined) problems.push(...patternProblems(`conditions.${path}.glob`, test.glob, globPattern(test.glob)));
    return problems;
  });
}

function patternProblems(path: string, given: string, pattern: string): { path: string; message: string }[] {
  if (given.length > MAX_PATTERN) return [{ path, message: `at most ${MAX_PATTERN} characters` }];
  try {
    compilePattern(anchored(pattern), new WorkBudget());
    return [];
  } catch (error) {
    if (!(error instanceof PatternRefused)) throw error;
    return [{ path, message: error.message }];
  }
}

/** The first condition that does not hold, in words; null: all hold. `realPath` follows symbolic links where there are any. */
export function firstUnmet(
  conditions: Readonly<Record<string, unknown>>,
  payload: Readonly<Record<string, unknown>>,
  realPath: (path: string) => string,
): string | null {
  for (const [path, test] of Object.entries(readable(conditions))) {
    const names = path === 'path_pattern' ? PATH_NAMES : [path];
    const name = names.find((one) => valueAt(payload, one) !== undefined) ?? names[0] ?? path;
    const unmet = unmetBy(test, { name, value: valueAt(payload, name), realPath });
    if (unmet !== null) return `${name} ${unmet}`;
  }
  return null;
}

/** Older rules: `path_pattern` is a glob on the path, a bare value means equality, a list means one of it. */
function readable(conditions: Readonly<Record<string, unknown>>): Readonly<Record<string, Test>> {
  return Object.fromEntries(
    Object.entries(conditions).map(([path, given]): [string, Test] => {
      if (path === 'path_pattern' && typeof given === 'string') return [path, { glob: given }];
      if (Array.isArray(given)) return [path, { in: given }];
      return [path, typeof given === 'object' && given !== null ? given : { eq: given as Scalar }];
    }),
  );
}

function unmetBy(test: Test, found: { name: string; value: unknown; realPath: (path: string) => string }): string | null {
  const { name, value } = found;
  if (test.exists !== undefined && test.exists !== (value !== undefined)) return test.exists ? 'is not there' : 'is there';
  const { exists: _exists, ...others } = test;
  if (Object.keys(others).length === 0) return null;
  if (value === undefined) return 'is not there';
  const text = textOf(name, value, found.realPath);
  if (test.eq !== undefined && value !== test.eq && text !== test.eq) return `is not ${JSON.stringify(test.eq)}`;
  if (test.in !== undefined && !test.in.some((one) => one === value || one === text)) return `is none of ${JSON.stringify(test.in)}`;
  if (test.lt !== undefined && !(typeof value === 'number' && value < test.lt)) return `is not below ${test.lt}`;
  if (test.gt !== undefined && !(typeof value === 'number' && value > test.gt)) return `is not above ${test.gt}`;
  if (test.glob !== undefined && !(text !== null && matchesGlob(test.glob, text))) return `does not fit ${test.glob}`;
  if (test.regex !== undefined && !(text !== null && matchesWhole(test.regex, text))) return `does not fit /${test.regex}/`;
  return null;
}

/** A command as its words, a path without detours; null for what has no text, or none that can be told. */
function textOf(name: string, value: unknown, realPath: (path: string) => string): string | null {
  if (COMMAND_NAMES.test(name)) {
    const argv = typeof value === 'string' ? argvOf(value) : isTexts(value) ? value : null;
    return argv === null ? null : commandLine(argv);
  }
  if (typeof value !== 'string') return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
  return PATH_LIKE.test(name) ? realPath(value) : value;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

/** Own members only: what every object has is not in a payload. */
function valueAt(payload: unknown, path: string): unknown {
  let value = payload;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

function matchesGlob(glob: string, text: string): boolean {
  return matchesWhole(globPattern(glob), text);
}

function globPattern(glob: string): string {
  return glob.replace(/\*\*\/|\*\*|\*|\?|[^*?]+/g, (part) => {
    if (part === '**/') return '(?:[^/]+/)*';
    if (part === '**') return '.*';
    if (part === '*') return '[^/]*';
    return part === '?' ? '[^/]' : part.replace(/[\\^$.|+()[\]{}/]/g, String.raw`\$&`);
  });
}

function matchesWhole(pattern: string, text: string): boolean {
  try {
    return compilePattern(anchored(pattern), new WorkBudget()).test(text);
  } catch {
    // A pattern that can not be run in the time it may take matches nothing: whoever asks is asked.
    return false;
  }
}

function anchored(pattern: string): string {
  return `^(?:${pattern})$`;
}
