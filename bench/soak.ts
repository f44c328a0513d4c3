// A node at work for a quarter of an hour: calls at a fixed rate, a swap of the called agent every two seconds, a hostile candidate
// live beside it every ten. No innocent call fails, swaps are not felt, and nothing grows.
import { setTimeout as sleep } from 'node:timers/promises';
import { startSeed, type SeedProcess } from '../test/seed-process.ts';
import type { Benchmark, Row } from './benchmark.ts';
import { quantile, round } from './report.ts';
import { HostileAgent } from './soak/hostile.ts';
import { OpenLoop, type TimedCall } from './soak/open-loop.ts';
import { trendOf } from './soak/trend.ts';
import { Watch } from './soak/watch.ts';
import { agentSource, CONTRACT } from './swap-agent.ts';

const PER_SECOND = 100;
/** Of a swap or a strike, what is felt after its end. */
const AFTERMATH_MS = 250;

export interface SoakOptions {
  /** Counted. */
  seconds: number;
  /**
   * The same before that, until everything that is filled once is full; only failures count. The database's 64 MB of buffers take
   * about 13 minutes of this load. Default: as long as `seconds`.
   */
  warmUpSeconds?: number;
  /** Default 2,000. */
  swapEveryMs?: number;
  /** Default 10,000. */
  hostileEveryMs?: number;
  say: (text: string) => void;
}

export interface SoakEnd {
  rows: readonly Row[];
  figures: { failed: number; p99_ratio: number; rising: number; calls: number; swaps: number; hostile: number };
  /** Each innocent call that failed, and everything else that should not have been. */
  failures: readonly string[];
  /** What became of each hostile candidate. */
  hostile: readonly { kind: string; end: string }[];
}

interface Span {
  fromMs: number;
  toMs: number;
}

export const soak: Benchmark = async ({ quick, say }) => {
  const { rows, figures, failures } = await runSoak({ seconds: quick ? 40 : 900, say });
  for (const failure of failures.slice(0, 20)) say(failure);
  return { rows, figures };
};

export async function runSoak(options: SoakOptions): Promise<SoakEnd> {
  const { seconds, warmUpSeconds = seconds, swapEveryMs = 2_000, hostileEveryMs = 10_000, say } = options;
  await using seed = await startSeed();
  const created = await seed.api('POST', '/api/agents', { from: { 'contract.ts': CONTRACT, 'agent.ts': agentSource(0) } });
  if (created.status !== 201) throw new Error(JSON.stringify(created.body));
  const hostile = new HostileAgent(seed);
  await hostile.create();
  const load = await OpenLoop.start({
    url: seed.url,
    token: seed.token,
    path: '/api/agents/swapped/invoke',
    perSecond: PER_SECOND,
    body: '{"input":{"n":21}}',
    check: (status, body) => (status === 200 && body.includes('"n":') ? null : `${status} ${body.slice(0, 300)}`),
  });
  const watch = new Watch(seed);
  const fromMs = performance.now() + warmUpSeconds * 1000;
  const untilMs = fromMs + seconds * 1000;
  const failures: string[] = [];
  const [swaps, strikes]: [Span[], Span[]] = [[], []];
  await Promise.all([
    every(swapEveryMs, untilMs, async (number) => void swaps.push(await spanOf(() => swap(seed, number)))),
    every(hostileEveryMs, untilMs, async () => void strikes.push(await spanOf(() => hostile.strike()))),
    every(Math.max(250, (seconds * 1000) / 400), untilMs, async () => watch.look({ isCounted: performance.now() >= fromMs })),
    every(30_000, untilMs, async (number) => {
      if (number > 1)
        say(
          `${load.calls.length} calls, ${load.calls.filter(({ failure }) => failure !== null).length} failed, ${swaps.length} swaps, ${strikes.length} hostile`,
        );
    }),
  ]);
  await load.stop();
  failures.push(...load.calls.flatMap(({ failure }) => failure ?? []));
  const kinds = classed(
    load.calls.filter(({ dueMs }) => dueMs >= fromMs),
    { swaps, strikes },
  );
  const trends = [...watch.series].map(([name, samples]) => ({ name, trend: trendOf(samples) }));
  const p99 = (calls: readonly TimedCall[]): number =>
    quantile(
      calls.map(({ tookMs }) => tookMs),
      0.99,
    );
  const latency = (name: string, calls: readonly TimedCall[]): Row => ({
    name,
    values: {
      n: calls.length,
      p50: round(
        quantile(
          calls.map(({ tookMs }) => tookMs),
          0.5,
        ),
        1,
      ),
      p99: round(p99(calls), 1),
    },
  });
  return {
    rows: [
      latency('calls with nothing else, ms', kinds.quiet),
      latency('calls during swaps, ms', kinds.swap),
      latency('calls beside a hostile candidate, ms', kinds.hostile),
      ...trends.map(({ name, trend }) => ({
        name,
        values: {
          n: round(trend.mean, 1),
          'a minute': `${round(trend.slope, 2)} (${round(trend.low, 2)} … ${round(trend.high, 2)})`,
          rises: trend.rises ? 'yes' : '',
        },
      })),
      ...[...Map.groupBy(hostile.ends, ({ kind, end }) => `hostile, ${kind}: ${end}`)].map(([name, ends]) => ({
        name,
        values: { n: ends.length },
      })),
    ],
    figures: {
      failed: failures.length,
      p99_ratio: round(p99(kinds.swap) / p99(kinds.quiet), 2),
      rising: trends.filter(({ trend }) => trend.rises).length,
      calls: load.calls.length,
      swaps: swaps.length,
      hostile: strikes.length,
    },
    failures,
    hostile: hostile.ends,
  };
}

/** At fixed times, one after the other; what comes late is not made up for. */
async function every(periodMs: number, untilMs: number, work: (number: number) => Promise<void>): Promise<void> {
  let nextMs = performance.now() + periodMs;
  for (let number = 1; nextMs < untilMs; number += 1) {
    await sleep(Math.max(0, nextMs - performance.now()));
    await work(number);
    nextMs = Math.max(nextMs + periodMs, performance.now());
  }
}

async function spanOf(work: () => Promise<void>): Promise<Span> {
  const fromMs = performance.now();
  await work();
  return { fromMs, toMs: performance.now() + AFTERMATH_MS };
}

/** From the source text to the answer that says the version is live. */
async function swap(seed: SeedProcess, number: number): Promise<void> {
  const staged = await seed.api<{ data: { version: number } }>('POST', '/api/code/swapped/versions', {
    from: { 'agent.ts': agentSource(number) },
  });
  if (staged.status !== 201) throw new Error(JSON.stringify(staged.body));
  const path = `/api/code/swapped/versions/v${staged.body.data.version}/promote`;
  const promoted = await seed.api('POST', path, {}, { 'x-confirm': 'code:promote' });
  if (promoted.status !== 200) throw new Error(JSON.stringify(promoted.body));
}

/** By what else went on when they were due. Beside a hostile candidate is beside it, swap or not. */
function classed(calls: readonly TimedCall[], spans: { swaps: readonly Span[]; strikes: readonly Span[] }) {
  const within = (all: readonly Span[], atMs: number): boolean => all.some(({ fromMs, toMs }) => atMs >= fromMs && atMs <= toMs);
  const kinds = Map.groupBy(calls, ({ dueMs }) =>
    within(spans.strikes, dueMs) ? 'hostile' : within(spans.swaps, dueMs) ? 'swap' : 'quiet',
  );
  return { quiet: kinds.get('quiet') ?? [], swap: kinds.get('swap') ?? [], hostile: kinds.get('hostile') ?? [] };
}
