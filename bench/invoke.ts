// An echo agent over HTTP, gate, sandbox and recording on, against a bare Hono echo: same client, same run, interleaved.
import autocannon from 'autocannon';
import { startSeed, type SeedProcess } from '../test/seed-process.ts';
import type { Benchmark } from './benchmark.ts';
import { fixtureFiles, startServer } from './fixtures.ts';
import { closedLoop, HttpClient } from './http-client.ts';
import { median, quantile, round, spread } from './report.ts';

const CONNECTIONS = 16;
const MESSAGE = { text: 'forty-two characters of text in this echo.', n: 42 };

interface Round {
  perSecond: number;
  p50Ms: number;
}

export const invoke: Benchmark = async ({ quick, say }) => {
  const seconds = quick ? 2 : 5;
  const rounds = quick ? 3 : 7;
  const bare = await startServer('bare-hono.ts');
  await using sync = await startSeed();
  await using async_ = await startSeed({ env: { SANDBOX_SYNC_PATH: 'false' } });
  await Promise.all([sync, async_].map(createEcho));
  const arms = {
    bare: () => load(`${bare.url}/echo`, JSON.stringify(MESSAGE), {}, seconds),
    sync: () => load(`${sync.url}/api/agents/echo/invoke`, JSON.stringify({ input: MESSAGE }), bearer(sync), seconds),
    async: () => load(`${async_.url}/api/agents/echo/invoke`, JSON.stringify({ input: MESSAGE }), bearer(async_), seconds),
  };
  say('warming up');
  for (const arm of Object.values(arms)) await arm();
  await expectPath(sync, 'sync');
  await expectPath(async_, 'async');
  const results: Record<keyof typeof arms, Round[]> = { bare: [], sync: [], async: [] };
  for (let number = 1; number <= rounds; number += 1) {
    for (const name of Object.keys(arms) as (keyof typeof arms)[]) {
      const result = await arms[name]();
      results[name].push(result);
      say(`round ${number} of ${rounds}: ${name} ${Math.round(result.perSecond)}/s`);
    }
  }
  bare.handle.kill('SIGTERM');
  await bare.handle.exited;
  const ratios = (name: 'sync' | 'async'): number[] =>
    results[name].map((result, index) => result.perSecond / (results.bare[index]?.perSecond ?? NaN));
  const overheads = results.sync.map((result, index) => result.p50Ms - (results.bare[index]?.p50Ms ?? NaN));
  const row = (name: keyof typeof arms, label: string) => ({
    name: label,
    values: {
      'requests/s': Math.round(median(results[name].map((result) => result.perSecond))),
      'p50 ms': round(median(results[name].map((result) => result.p50Ms)), 2),
      'of bare': name === 'bare' ? 1 : round(median(ratios(name)), 3),
      spread: name === 'bare' ? '' : spread(ratios(name)),
    },
  });
  return {
    rows: [row('bare', 'bare Hono'), row('sync', 'agent, synchronous path'), row('async', 'agent, asynchronous path')],
    figures: {
      ratio: round(median(ratios('sync'))),
      async_ratio: round(median(ratios('async'))),
      p50_overhead_ms: round(median(overheads)),
    },
  };
};

function bearer(seed: SeedProcess): Record<string, string> {
  return { authorization: `Bearer ${seed.token}` };
}

async function createEcho(seed: SeedProcess): Promise<void> {
  const created = await seed.api('POST', '/api/agents', { from: await fixtureFiles('echo') });
  if (created.status !== 201) throw new Error(`the echo agent was refused: ${JSON.stringify(created.body)}`);
}

async function expectPath(seed: SeedProcess, path: string): Promise<void> {
  const { body } = await seed.api<{ data: { path: string } }>('GET', '/api/agents/echo');
  if (body.data.path !== path) throw new Error(`the calls take the ${body.data.path} path, not the ${path} one`);
}

async function load(url: string, body: string, headers: Record<string, string>, seconds: number): Promise<Round> {
  const result = await autocannon({
    url,
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
    connections: CONNECTIONS,
    duration: seconds,
  });
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${url}: ${result.non2xx} failed, ${result.errors} broken`);
  // autocannon's percentiles are whole milliseconds: latency is measured apart, at the same number of connections.
  return { perSecond: result.requests.average, p50Ms: await latency(url, body, headers) };
}

const LATENCY_MS = 1_000;

async function latency(url: string, body: string, headers: Record<string, string>): Promise<number> {
  const { pathname } = new URL(url);
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => HttpClient.connect(url)));
  const times: number[] = [];
  await closedLoop(clients, AbortSignal.timeout(LATENCY_MS), async (client) => {
    const answer = await client.post(pathname, body, headers);
    if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}: ${answer.body}`);
    times.push(answer.ms);
  });
  for (const client of clients) client.close();
  return quantile(times, 0.5);
}
