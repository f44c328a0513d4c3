// What must not grow while a node works: read from outside, every few seconds.
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import type { SeedProcess } from '../../test/seed-process.ts';
import { pidsOf } from '../crash/victims.ts';
import type { Sample } from './trend.ts';

const PAGE_MB = 4096 / 2 ** 20;

export class Watch {
  readonly series = new Map<string, Sample[]>();
  readonly #seed: SeedProcess;
  readonly #startedMs = performance.now();
  #hosts: readonly number[] = [];

  constructor(seed: SeedProcess) {
    this.#seed = seed;
  }

  /** What is asked of the node is load as well: it is asked before the samples count, too. */
  async look({ isCounted }: { isCounted: boolean }): Promise<void> {
    const [hosts, metrics] = await Promise.all([this.#servingHosts(), this.#metrics()]);
    const node = this.#seed.nodePid;
    const values: Record<string, number | null> = {
      'node memory, MB': await rssMb(node),
      'node heap, MB': metrics('nodejs_heap_size_used_bytes', '') / 2 ** 20,
      'hosts memory, MB': await sum(hosts, rssMb),
      'node file descriptors': await descriptors(node),
      'hosts file descriptors': await sum(hosts, descriptors),
      isolates: metrics('seed_sandbox_isolates', 'role="serving"'),
      timers: metrics('nodejs_active_resources', 'type="Timeout"'),
    };
    if (!isCounted) return;
    const atS = (performance.now() - this.#startedMs) / 1000;
    // A host that is being replaced has no size.
    for (const [name, value] of Object.entries(values)) {
      if (value === null || Number.isNaN(value)) continue;
      const samples = this.series.get(name) ?? [];
      samples.push({ atS, value });
      this.series.set(name, samples);
    }
  }

  /** Asked for only when one has gone: each answer about the whole tree leaves a little of itself in the node's memory for a while. */
  async #servingHosts(): Promise<readonly number[]> {
    const areAll = this.#hosts.length > 1 && this.#hosts.every((pid) => existsSync(`/proc/${pid}`));
    if (!areAll) this.#hosts = await pidsOf(this.#seed, 'root/node/sandbox/serving');
    return this.#hosts;
  }

  async #metrics(): Promise<(name: string, labels: string) => number> {
    const answer = await fetch(`${this.#seed.url}/metrics`, { headers: { authorization: `Bearer ${this.#seed.token}` } });
    const lines = (await answer.text()).split('\n');
    return (name, labels) =>
      Number(
        lines
          .find((line) => line.startsWith(labels === '' ? `${name} ` : `${name}{${labels}}`))
          ?.split(' ')
          .at(-1) ?? Number.NaN,
      );
  }
}

/** Null while one of them is just gone. */
async function sum(pids: readonly number[], of: (pid: number) => Promise<number | null>): Promise<number | null> {
  const values = await Promise.all(pids.map(of));
  return pids.length < 2 || values.includes(null) ? null : values.reduce<number>((all, value) => all + (value ?? 0), 0);
}

async function rssMb(pid: number): Promise<number | null> {
  const statm = await readFile(`/proc/${pid}/statm`, 'utf8').catch(() => null);
  return statm === null ? null : Number(statm.split(' ')[1]) * PAGE_MB;
}

async function descriptors(pid: number): Promise<number | null> {
  return (await readdir(`/proc/${pid}/fd`).catch(() => null))?.length ?? null;
}
