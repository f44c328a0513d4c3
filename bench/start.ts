// How long until the port answers and until the node is ready, in a new data folder and in a warm one.
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSeed, type SeedProcess } from '../test/seed-process.ts';
import type { Benchmark } from './benchmark.ts';
import { median, round, spread } from './report.ts';

interface Start {
  boundMs: number;
  readyMs: number;
}

export const start: Benchmark = async ({ quick, say }) => {
  const rounds = quick ? 3 : 9;
  const fresh: Start[] = [];
  const warm: Start[] = [];
  const rss: number[] = [];
  for (let number = 1; number <= rounds; number += 1) {
    const dataDir = await mkdtemp(join(tmpdir(), 'seed-start-'));
    const port = await freePort();
    const first = await startSeed({ dataDir, port, isFirst: true });
    fresh.push({ boundMs: first.boundMs, readyMs: first.readyMs });
    await end(first);
    const second = await startSeed({ dataDir, port });
    warm.push({ boundMs: second.boundMs, readyMs: second.readyMs });
    rss.push(await treeRssMb(second.handle.pid));
    await end(second);
    await rm(dataDir, { recursive: true });
    say(`round ${number} of ${rounds}: new ${Math.round(first.readyMs)} ms, warm ${Math.round(second.readyMs)} ms`);
  }
  const row = (name: string, values: number[]) => ({ name, values: { median: round(median(values), 0), spread: spread(values, 0) } });
  const of = (starts: Start[], key: keyof Start): number[] => starts.map((one) => one[key]);
  return {
    rows: [
      row('new folder: port bound, ms', of(fresh, 'boundMs')),
      row('new folder: ready, ms', of(fresh, 'readyMs')),
      row('warm folder: port bound, ms', of(warm, 'boundMs')),
      row('warm folder: ready, ms', of(warm, 'readyMs')),
      row('idle, whole tree, MB resident', rss),
    ],
    figures: {
      warm_bound_ms: round(median(of(warm, 'boundMs')), 0),
      new_bound_ms: round(median(of(fresh, 'boundMs')), 0),
      warm_ready_ms: round(median(of(warm, 'readyMs')), 0),
      new_ready_ms: round(median(of(fresh, 'readyMs')), 0),
      rss_mb: round(median(rss), 0),
    },
  };
};

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function end(seed: SeedProcess): Promise<void> {
  const exit = await seed.stop();
  if (exit.code !== 0) throw new Error(`the program ended with ${JSON.stringify(exit)}:\n${seed.output()}`);
}

/** Sum over the process and everything below it; pages that are shared are counted in each. */
async function treeRssMb(pid: number): Promise<number> {
  const [statm, children] = await Promise.all([
    readFile(`/proc/${pid}/statm`, 'utf8'),
    readFile(`/proc/${pid}/task/${pid}/children`, 'utf8'),
  ]);
  const own = (Number(statm.split(' ')[1]) * 4096) / 2 ** 20;
  const below = await Promise.all(children.split(' ').filter(Boolean).map(Number).map(treeRssMb));
  return below.reduce((sum, value) => sum + value, own);
}
