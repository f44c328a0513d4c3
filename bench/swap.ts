// Hot swaps of a 7 KB agent under closed-loop clients: failed calls, source-to-live, and the longest silence in each swap's
// window; beside it, in the same run, the replacement of a node process that does the same work.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { transform } from 'esbuild';
import { startSeed, type SeedProcess } from '../test/seed-process.ts';
import type { Benchmark } from './benchmark.ts';
import { startServer } from './fixtures.ts';
import { closedLoop, HttpClient } from './http-client.ts';
import { median, quantile, round, spread } from './report.ts';
import { agentSource, CONTRACT } from './swap-agent.ts';

const CLIENTS = 8;
/** One replacement of a process after so many swaps. */
const RESTART_EVERY = 25;

export const swap: Benchmark = async ({ quick, say }) => {
  const swaps = quick ? 100 : 1_000;
  await using seed = await startSeed();
  const created = await seed.api('POST', '/api/agents', { from: { 'contract.ts': CONTRACT, 'agent.ts': agentSource(0) } });
  if (created.status !== 201) throw new Error(JSON.stringify(created.body));
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => HttpClient.connect(seed.url)));
  const headers = { authorization: `Bearer ${seed.token}` };
  const answeredAt: number[] = [];
  const stop = new AbortController();
  let failed = 0;
  let calls = 0;
  const load = closedLoop(clients, stop.signal, async (client) => {
    const answer = await client.post('/api/agents/swapped/invoke', '{"input":{"n":21}}', headers);
    calls += 1;
    if (answer.status !== 200) failed += 1;
    answeredAt.push(performance.now());
  });
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const times: number[] = [];
  const gaps: number[] = [];
  const restarts: number[] = [];
  const folder = await mkdtemp(join(tmpdir(), 'seed-swap-'));
  for (let number = 1; number <= swaps; number += 1) {
    answeredAt.length = 0;
    const startedMs = performance.now();
    await hotSwap(seed, number);
    const endedMs = performance.now();
    times.push(endedMs - startedMs);
    await until(() => (answeredAt.at(-1) ?? 0) > endedMs);
    gaps.push(longestSilence(answeredAt, startedMs, endedMs));
    if (number % RESTART_EVERY === 0) restarts.push(await replaceProcess(folder, number));
    if (number % 100 === 0) say(`${number} of ${swaps} swaps, ${calls} calls, ${failed} failed`);
  }
  stop.abort();
  await load;
  for (const client of clients) client.close();
  await rm(folder, { recursive: true });
  const ratio = median(restarts) / median(times);
  const row = (name: string, values: number[]) => ({
    name,
    values: { n: values.length, p50: round(quantile(values, 0.5), 2), p99: round(quantile(values, 0.99), 2), spread: spread(values) },
  });
  return {
    rows: [
      row('source to live, ms', times),
      row('longest silence in its window, ms', gaps),
      row('replacing a process, ms', restarts),
      { name: 'calls', values: { n: calls } },
      { name: 'failed calls', values: { n: failed } },
    ],
    figures: {
      swaps,
      failed,
      p50_ms: round(quantile(times, 0.5)),
      p99_ms: round(quantile(times, 0.99)),
      restart_ratio: round(ratio, 2),
      gap_p99_ms: round(quantile(gaps, 0.99)),
    },
  };
};

/** From the source text to the answer that says the version is live. */
async function hotSwap(seed: SeedProcess, number: number): Promise<void> {
  const staged = await seed.api<{ data: { version: number } }>('POST', '/api/code/swapped/versions', {
    from: { 'agent.ts': agentSource(number) },
  });
  if (staged.status !== 201) throw new Error(JSON.stringify(staged.body));
  const { version } = staged.body.data;
  const promoted = await seed.api('POST', `/api/code/swapped/versions/v${version}/promote`, {}, { 'x-confirm': 'code:promote' });
  if (promoted.status !== 200) throw new Error(JSON.stringify(promoted.body));
}

/** The same change by replacing a process: transform, start, wait until it answers, stop the one before. */
async function replaceProcess(folder: string, number: number): Promise<number> {
  const before = await startServer('process-server.ts', [await write(folder, number - 1)]);
  const startedMs = performance.now();
  const next = await startServer('process-server.ts', [await write(folder, number)]);
  const answer = await fetch(`${next.url}/health`);
  await answer.text();
  const endedMs = performance.now();
  for (const server of [before, next]) {
    server.handle.kill('SIGTERM');
    await server.handle.exited;
  }
  return endedMs - startedMs;
}

async function write(folder: string, number: number): Promise<string> {
  const { code } = await transform(
    agentSource(number)
      .replace(/^import .*$/gm, '')
      .replace('agent<typeof contract>(', '('),
    { loader: 'ts', format: 'esm' },
  );
  const file = join(folder, `agent-${number}.mjs`);
  await writeFile(file, code);
  return file;
}

function longestSilence(answeredAt: readonly number[], fromMs: number, toMs: number): number {
  let longest = 0;
  let before = fromMs;
  for (const at of answeredAt) {
    if (at < fromMs) continue;
    longest = Math.max(longest, at - before);
    before = at;
    if (at > toMs) break;
  }
  return longest;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
