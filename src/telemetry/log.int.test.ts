// The log as another process sees it: on stderr, whole, even when the program ends at once or nobody reads.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { expect, test } from 'vitest';

const LOG = path.join(import.meta.dirname, 'log.ts');
const COUNT = 2_000;

function program(end: string): string {
  return `
    import { LogOutput } from ${JSON.stringify(LOG)};
    const output = new LogOutput({ level: 'info', format: 'auto' });
    for (let n = 0; n < ${COUNT}; n += 1) output.log.info({ event: 'test.line.written', n }, 'x'.repeat(50));
    ${end}`;
}

async function run(end: string): Promise<{ code: number | null; stdout: string; lines: string[] }> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program(end)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, lines: stderr.trimEnd().split('\n') };
}

test.each([
  ['it closes the log', 'output.close();', 0],
  ['it exits at once', 'process.exit(3);', 3],
  ['it throws', "throw new Error('bug');", 1],
])('all lines are there when %s, and stdout is clean', async (_, end, expected) => {
  const { code, stdout, lines } = await run(end);
  expect([code, stdout]).toEqual([expected, '']);
  const records = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as { n: number });
  expect(records.map(({ n }) => n)).toEqual(Array.from({ length: COUNT }, (_unused, n) => n));
});

test('a reader that goes away does not end the program', async () => {
  const end = `
    process.stdin.once('data', () => {
      for (let n = 0; n < 100; n += 1) output.log.info({ event: 'test.line.written', n }, 'unread');
      setTimeout(() => process.stdout.write('alive ' + (output.dropped > 0), () => process.exit(0)), 50);
    });`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program(end)], { stdio: ['pipe', 'pipe', 'pipe'] });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  await once(child.stderr, 'data');
  child.stderr.destroy();
  child.stdin.write('go\n');
  const [code] = (await once(child, 'close')) as [number | null];
  expect([code, stdout]).toEqual([0, 'alive true']);
});
