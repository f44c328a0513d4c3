// The command line and an operation that answers as OpenAI's clients expect.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seedHere, startGarden, type GardenNode } from './fixture.ts';

let node: GardenNode;
let folder: string;
beforeAll(async () => {
  node = await startGarden();
  folder = await mkdtemp(join(tmpdir(), 'seed-talk-'));
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function messages(content: string): Promise<string> {
  const file = join(folder, 'messages.json');
  await writeFile(file, content);
  return file;
}

const run = (args: readonly string[], input?: string) =>
  seedHere(['pots:talk', ...args], { node, ...(input === undefined ? {} : { input }) });

test('people read one text, and what is said of it beside it', async () => {
  const file = await messages('[{"role": "user", "content": "one "}, {"role": "user", "content": "two\\u001b[31m "}]\n');
  expect(await run(['three', '--messages', file])).toMatchObject({
    code: 0,
    stdout: 'one two\\x1b[31m three\n',
    stderr: 'model=rose  total_tokens=3\n',
  });
});

test('the words may come from standard input', async () => {
  expect(await run(['-'], 'from a pipe')).toMatchObject({ code: 0, stdout: 'from a pipe\n' });
});

test('programs get the whole answer', async () => {
  const { stdout, code } = await run(['hello', '--format', 'json']);
  expect([code, JSON.parse(stdout)]).toEqual([0, { id: 'talk-1', text: 'hello' }]);
  expect(await run(['hello', '--quiet'])).toMatchObject({ code: 0, stdout: 'talk-1\n' });
  expect((await run(['hello', '--format', 'json', '--stream'])).stdout).toBe(stdout);
});

test('failures are what they are everywhere else', async () => {
  expect(await run(['hello', '--fail-at', '0'])).toMatchObject({
    code: 7,
    stdout: '',
    stderr: 'error: the rose is tired\ntry: let it rest\n',
  });
  expect(await run(['a', '--messages', await messages('[{"content": "b"}]'), '--fail-at', '2'])).toMatchObject({
    code: 7,
    stdout: 'b\n',
    stderr: 'error: the rose has withered\ntry: water it\n',
  });
  const json = await run(['hello', '--fail-at', '0', '--format', 'json']);
  expect(JSON.parse(json.stderr)).toMatchObject({ code: 'rate_limited', message: 'the rose is tired', retryable: true });
});

test('a file that is no JSON says so', async () => {
  const file = await messages('[{"role": user}]');
  expect(await run(['a', '--messages', file])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(`--messages ${file} is not valid JSON`) as unknown,
  });
  expect(await run(['a', '--messages', join(folder, 'none.json')])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('does not exist') as unknown,
  });
});
