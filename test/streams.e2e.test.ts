// Streams from the whole program: an agent that is an async generator, over HTTP and on the command line.
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from '#lib/process.ts';
import { createAgents, upload } from './fixtures.ts';
import { descendants } from './processes.ts';
import { startSeed, type SeedProcess } from './seed-process.ts';
import { until } from './until.ts';

const contract = `import { contract, z } from 'seed-agent/agent';
export default contract({
  name: 'storyteller',
  summary: 'tells a long story, word by word',
  exports: {
    handle: {
      kind: 'call',
      stream: true,
      input: z.object({ words: z.int(), how: z.string().default('') }),
      output: z.object({ word: z.string(), n: z.int() }),
    },
    pulled: { kind: 'call', input: z.object({}), output: z.object({ pulled: z.int(), ended: z.int() }) },
    text: { kind: 'call', stream: true, input: z.object({}), output: z.string() },
  },
  examples: [{ input: { words: 2 }, output: [{ word: 'word', n: 0 }, { word: 'word', n: 1 }] }],
  limits: { cpuMs: 20_000, outputBytes: 4_194_304 },
});
`;
const agent = `import { agent } from 'seed-agent/agent';
import type contract from './contract.ts';
let pulled = 0;
let ended = 0;
export default agent<typeof contract>({
  async *handle(input) {
    const word = input.how === 'long' ? 'x'.repeat(10_000) : 'word';
    try {
      for (let n = 0; n < input.words; n += 1) {
        pulled += 1;
        if (input.how === 'fails' && n === 2) throw new Error('lost the thread');
        yield { word, n };
      }
    } finally {
      ended += 1;
    }
  },
  pulled: () => ({ pulled, ended }),
  async *text() {
    yield 'Once upon ';
    yield 'a time\\n';
  },
});
`;

let seed: SeedProcess;
beforeAll(async () => {
  // One host: what the agent counts is what it has done.
  seed = await startSeed({ env: { SANDBOX_SERVING_HOSTS: '1' } });
  await createAgents(seed, [{ from: { 'contract.ts': contract, 'agent.ts': agent } }, upload('double', 'return { n: input.n * 2 };')]);
});
afterAll(() => seed[Symbol.asyncDispose]());

const EVENTS = { accept: 'text/event-stream' };

/** The answer as it comes. Over the socket, where less than over TCP is on its way to who does not read: here some 4 MB. */
async function invoke(name: string, body: unknown, headers: Record<string, string> = EVENTS): Promise<IncomingMessage> {
  const { socket } = JSON.parse(await readFile(join(seed.dataDir, 'node.json'), 'utf8')) as { socket: string };
  return await new Promise((resolve, reject) => {
    const outgoing = request(
      {
        socketPath: socket,
        host: 'localhost',
        method: 'POST',
        path: `/api/agents/${name}/invoke`,
        agent: false,
        headers: { authorization: `Bearer ${seed.token}`, 'content-type': 'application/json', ...headers },
      },
      resolve,
    );
    outgoing.on('error', reject);
    outgoing.end(JSON.stringify(body));
  });
}

interface Event {
  id?: string;
  event?: string;
  data: unknown;
}
async function eventsOf(response: IncomingMessage): Promise<Event[]> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk as string;
  return text
    .split('\n\n')
    .filter((block) => block !== '' && !block.startsWith(':'))
    .map((block) => {
      const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2))) as Record<string, string>;
      return { ...fields, data: JSON.parse(fields['data'] ?? 'null') as unknown };
    });
}
const called = async (): Promise<{ pulled: number; ended: number }> =>
  (await seed.api<{ data: { pulled: number; ended: number } }>('POST', '/api/agents/storyteller/invoke', { input: {}, export: 'pulled' }))
    .body.data;

/** What is between us and the generator fills, then nothing is made any more. @returns how often it has been pulled then */
async function standingStill(from: number): Promise<number> {
  let last = from;
  for (let quiet = 0; quiet < 3;) {
    const { pulled } = await called();
    quiet = pulled === last && pulled > from ? quiet + 1 : 0;
    last = pulled;
    await sleep(50);
  }
  return last;
}

test('each chunk is an event with its number, and at the end comes what is known of the call', async () => {
  const response = await invoke('storyteller', { input: { words: 3 } });
  expect([response.statusCode, response.headers['content-type'], response.headers['cache-control']]).toEqual([
    200,
    'text/event-stream',
    'no-store, no-transform',
  ]);
  const events = await eventsOf(response);
  expect(events.slice(0, 3)).toEqual([0, 1, 2].map((n) => ({ id: String(n + 1), event: 'chunk', data: { word: 'word', n } })));
  expect(events[3]).toEqual({
    event: 'done',
    data: {
      call_id: expect.any(String),
      version: 1,
      hash: expect.any(String),
      duration_ms: expect.any(Number),
      recorded: true,
      streamed: true,
    },
  });
  expect(events).toHaveLength(4);
});

test('who does not accept events gets the list, and what does not stream is a result', async () => {
  const { body } = await seed.api('POST', '/api/agents/storyteller/invoke', { input: { words: 2 } });
  expect(body).toMatchObject({ data: [{ n: 0 }, { n: 1 }], streamed: true });
  const plain = await eventsOf(await invoke('double', { input: { n: 2 } }));
  expect(plain).toMatchObject([
    { event: 'result', data: { n: 4 } },
    { event: 'done', data: { version: 1 } },
  ]);
  const either = await invoke('double', { input: { n: 2 } }, { accept: 'application/json, text/event-stream' });
  expect(either.headers['content-type']).toBe('application/json');
  either.resume();
});

test('what goes wrong before the stream begins is an answer with its status, and after it an event', async () => {
  const refused = await invoke('storyteller', { input: { words: 'many' } });
  expect([refused.statusCode, refused.headers['content-type']]).toEqual([422, 'application/json']);
  refused.resume();
  expect((await invoke('nobody', { input: {} })).resume().statusCode).toBe(404);
  expect((await invoke('double', { input: { n: 1.5 } })).resume().statusCode).toBe(422);
  const events = await eventsOf(await invoke('storyteller', { input: { words: 5, how: 'fails' } }));
  expect(events.map(({ event }) => event)).toEqual(['chunk', 'chunk', 'error']);
  expect(events[2]?.data).toMatchObject({
    code: 'agent_error',
    error: 'Error: lost the thread',
    details: { stack: expect.stringContaining('agent.ts') },
  });
});

test('with an idempotency key the chunks are given again, from where the caller was', async () => {
  const headers = { ...EVENTS, 'idempotency-key': 'story-1' };
  const [first, again] = [
    await eventsOf(await invoke('storyteller', { input: { words: 3 } }, headers)),
    await eventsOf(await invoke('storyteller', { input: { words: 3 } }, { ...headers, 'last-event-id': '2' })),
  ];
  expect(again.map(({ id, event }) => [id, event])).toEqual([
    ['3', 'chunk'],
    [undefined, 'done'],
  ]);
  const facts = first.at(-1)?.data as Record<string, unknown> | undefined;
  expect(again[1]?.data).toMatchObject({ call_id: facts?.['call_id'], replayed: true });
  const resumed = await invoke('storyteller', { input: { words: 3 } }, { ...EVENTS, 'last-event-id': '2' });
  expect(resumed.resume().statusCode).toBe(422);
});

test('a client that does not read stops the generator, and one that goes ends it', async () => {
  const before = await called();
  const response = await invoke('storyteller', { input: { words: 400, how: 'long' } });
  response.pause();
  const last = await standingStill(before.pulled);
  expect(last - before.pulled).toBeLessThan(200);
  response.destroy();
  await until(called, ({ ended }) => ended === before.ended + 1);
  await until(
    async () => (await seed.api<{ data: unknown[] }>('GET', '/api/agents/storyteller/calls?outcome=cancelled')).body.data,
    (calls) => calls.length === 1,
  );
});

test('a swap in the middle leaves the stream where it is', async () => {
  const response = await invoke('storyteller', { input: { words: 390, how: 'long' } });
  response.pause();
  const staged = await seed.api<{ data: { version: number } }>('POST', '/api/code/storyteller/versions', {
    from: { 'agent.ts': agent.replace("'Once upon '", "'Twice upon '") },
  });
  const { version } = staged.body.data;
  await seed.api('POST', `/api/code/storyteller/versions/v${version}/promote`, {}, { 'x-confirm': 'code:promote' });
  const { body } = await seed.api<{ version: number; data: string[] }>('POST', '/api/agents/storyteller/invoke', {
    input: {},
    export: 'text',
  });
  expect(body).toMatchObject({ version, data: ['Twice upon ', 'a time\n'] });
  const events = await eventsOf(response);
  expect(events).toHaveLength(391);
  expect(events.at(-1)?.data).toMatchObject({ version: version - 1 });
});

test('a host that is killed in the middle ends it with an error that says so', async () => {
  const response = await invoke('storyteller', { input: { words: 390, how: 'long' } });
  response.pause();
  // Held back by its reader: nothing has come for a while, so it does not run, and can not have been the reason.
  const received: number[] = [];
  await until(
    () => received.push(response.socket.bytesRead),
    () => received.length > 10 && (received.at(-1) ?? 0) > 0 && new Set(received.slice(-10)).size === 1,
  );
  const host = descendants(seed.nodePid).find(({ command }) => command.includes('--no-node-snapshot'));
  process.kill(host?.pid ?? expect.unreachable('no sandbox host runs'), 'SIGKILL');
  const events = await eventsOf(response);
  expect(events.at(-1)).toMatchObject({ event: 'error', data: { code: 'unavailable' } });
});

test('the command line shows chunks as they come: a text as a text, everything else a line each', async () => {
  const cli = (...args: string[]) =>
    runCommand(process.execPath, [join(import.meta.dirname, '../src/cli.ts'), ...args], {
      env: { ...process.env, DATA_DIR: seed.dataDir, NO_COLOR: '1' },
      timeoutMs: 30_000,
    });
  const text = await cli('agents:invoke', 'storyteller', '{}', '--export', 'text', '--format', 'table');
  expect(text.stdout).toBe('Twice upon a time\n');
  expect(text.stderr).toMatch(/call_id=\S+ .*version=2/);
  const json = await cli('agents:invoke', 'storyteller', '{"words":2}', '--format', 'json');
  expect(json.stdout).toBe('{"word":"word","n":0}\n{"word":"word","n":1}\n');
  const failed = await cli('agents:invoke', 'storyteller', '{"words":5,"how":"fails"}', '--format', 'json');
  expect([failed.code, failed.stdout.split('\n').length, JSON.parse(failed.stderr)]).toMatchObject([1, 3, { code: 'agent_error' }]);
  const plain = await cli('agents:invoke', 'double', '{"n":2}', '--format', 'json');
  expect(JSON.parse(plain.stdout)).toMatchObject({ data: { n: 4 }, version: 1 });
});
