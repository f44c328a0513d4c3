// npm run verify [-- --no-tests]: everything that must hold before a change is done, one step after the other, all of
// them even when one fails. End-to-end tests are left to npm test.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { TEST_COUNT_LINE } from './test-count.ts';

interface Step {
  name: string;
  /** Programs of node_modules/.bin, or our own scripts. */
  command: readonly string[];
  /** How to mend what it finds, where a command can. */
  mend?: string;
}

const root = path.dirname(import.meta.dirname);
const withTests = !process.argv.includes('--no-tests');

const STEPS: readonly Step[] = [
  { name: 'format', command: ['oxfmt', '--check'], mend: 'npm run fix' },
  { name: 'lint', command: ['oxlint', '--deny-warnings'], mend: 'npm run fix (some of it)' },
  { name: 'types', command: ['tsc', '-p', '.'] },
  ...(existsSync(path.join(root, 'agents', 'tsconfig.json'))
    ? [{ name: 'types of agents', command: ['tsc', '-p', 'agents', '--noEmit'] }]
    : []),
  { name: 'unused', command: ['knip'] },
  ...(withTests ? [{ name: 'tests', command: ['node', 'scripts/test.ts', '--project', 'unit', '--project', 'int'] }] : []),
  { name: 'generated files', command: ['node', 'scripts/generate.ts', '--check'], mend: 'node scripts/run.mjs scripts/generate.ts' },
];

interface Result {
  step: Step;
  ok: boolean;
  output: string;
  seconds: number;
}

function run(step: Step): Promise<Result> {
  const startedAtMs = performance.now();
  const [program = '', ...args] = step.command;
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    const end = (ok: boolean): void => resolve({ step, ok, output, seconds: (performance.now() - startedAtMs) / 1000 });
    child.on('error', (error) => {
      output += String(error);
      end(false);
    });
    child.on('close', (code) => end(code === 0));
  });
}

const results: Result[] = [];
for (const step of STEPS) {
  const result = await run(step);
  const { ok, output, seconds } = result;
  const counted = output.split('\n').findLast((line) => TEST_COUNT_LINE.test(line));
  console.log(
    `${ok ? 'ok  ' : 'FAIL'} ${step.name.padEnd(16)} ${seconds.toFixed(1).padStart(6)} s${counted === undefined ? '' : `  ${counted}`}`,
  );
  // The first failure is usually the cause of the others.
  if (!ok && results.every((earlier) => earlier.ok)) console.log(`\n${output.trimEnd()}\n`);
  results.push(result);
}

const failed = results.filter(({ ok }) => !ok);
const total = results.reduce((sum, { seconds }) => sum + seconds, 0);
console.log(`\n${results.length - failed.length} of ${results.length} steps ok in ${total.toFixed(1)} s`);
for (const { step } of failed) {
  console.log(`failed: ${step.name} (again: npx ${step.command.join(' ')})${step.mend === undefined ? '' : `; to mend: ${step.mend}`}`);
}
process.exitCode = failed.length === 0 ? 0 : 1;
