// kill -9 of every kind of process, again and again, while clients call: what was acknowledged is there exactly once, what was not in
// the killed process does not fail, everything comes back by itself, and nothing is left behind.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSeed, type SeedProcess } from '../test/seed-process.ts';
import { until } from '../test/until.ts';
import type { Benchmark, Row } from './benchmark.ts';
import { Ledger, type Fault } from './crash/ledger.ts';
import { Staging } from './crash/staging.ts';
import { familyOf, pidsOf, stillAlive, zombiesOf } from './crash/victims.ts';
import { median, round } from './report.ts';

type Victim = 'serving host' | 'validator' | 'evaluator' | 'node' | 'root';

/** Of the processes of a life that is over, and of a killed one's children. */
const GONE_WITHIN_MS = 5_000;

export interface CrashFigures {
  kills: number;
  lost: number;
  doubled: number;
  collateral: number;
  orphans: number;
  zombies: number;
}

export interface CrashEnd {
  rows: readonly Row[];
  figures: CrashFigures;
  /** Every failure that should not have been. */
  failures: readonly string[];
}

export const crash: Benchmark = async ({ quick, say }) => {
  const { rows, figures, failures } = await killAll({ rounds: quick ? 2 : 20, say });
  for (const failure of failures.slice(0, 20)) say(failure);
  return { rows, figures: { ...figures } };
};

/** `rounds`: kills of each kind. */
export async function killAll({ rounds, say }: { rounds: number; say: (text: string) => void }): Promise<CrashEnd> {
  const dataDir = await mkdtemp(join(tmpdir(), 'seed-crash-'));
  const run = new CrashRun(dataDir, rounds, say);
  try {
    return await run.run();
  } finally {
    await run.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

class CrashRun {
  readonly #dataDir: string;
  readonly #rounds: number;
  readonly #say: (text: string) => void;
  readonly #recoveries = new Map<Victim, number[]>();
  readonly #failures: string[] = [];
  #seed: SeedProcess | null = null;
  #ledger: Ledger | null = null;
  #orphans = 0;
  #zombies = 0;

  constructor(dataDir: string, rounds: number, say: (text: string) => void) {
    this.#dataDir = dataDir;
    this.#rounds = rounds;
    this.#say = say;
  }

  async run(): Promise<CrashEnd> {
    this.#seed = await this.#start();
    const ledger = await Ledger.start(this.#seed);
    this.#ledger = ledger;
    await this.#each('serving', { 'serving host': () => this.#killHost('root/node/sandbox/serving') });
    const staging = new Staging(ledger);
    await this.#each('work', { validator: () => this.#killHost('root/node/work/validator') });
    // By turns: a root whose node fails six times in a minute gives up, as it should.
    await this.#each('node', { node: () => this.#killNode(), root: () => this.#killRoot() });
    const staged = await staging.end();
    const improvement = await this.#improve();
    await this.#each('work', { evaluator: () => this.#killHost('root/node/work/evaluator') });
    await this.#improved(improvement);
    const end = await ledger.end();
    const family = familyOf(this.seed.handle.pid);
    await this.seed.stop();
    await this.#countOrphans(family);
    this.#failures.push(...end.collateral, ...staged.collateral);
    const kills = [...this.#recoveries.values()].flat().length;
    return {
      rows: [
        ...[...this.#recoveries].map(([victim, values]) => ({
          name: `kill -9 of ${victim}`,
          values: { kills: values.length, 'recovery ms p50': round(median(values), 0), 'recovery ms max': round(Math.max(...values), 0) },
        })),
        { name: 'acknowledged calls', values: { kills: end.acknowledged } },
        { name: 'acknowledged versions', values: { kills: staged.staged } },
        { name: 'failed inside the killed host', values: { kills: end.inside } },
        { name: 'sent again while no node was there', values: { kills: end.waited } },
      ],
      figures: {
        kills,
        lost: end.lost + staged.lost,
        doubled: end.doubled,
        collateral: this.#failures.length,
        orphans: this.#orphans,
        zombies: this.#zombies,
      },
      failures: this.#failures,
    };
  }

  async close(): Promise<void> {
    await this.#seed?.[Symbol.asyncDispose]();
  }

  get seed(): SeedProcess {
    if (this.#seed === null) throw new Error('the program was not started');
    return this.#seed;
  }

  #start(): Promise<SeedProcess> {
    return startSeed({ dataDir: this.#dataDir, env: { SANDBOX_EVALUATOR_HOSTS: '1' } });
  }

  /** Each at a moment of its own, when the one before has been mended and calls are being answered; several victims by turns. */
  async #each(fault: Fault, victims: Readonly<Partial<Record<Victim, () => Promise<number>>>>): Promise<void> {
    const ledger = this.#ledger as Ledger;
    for (let round = 0; round < this.#rounds; round += 1) {
      for (const [victim, kill] of Object.entries(victims)) {
        await this.#answered(ledger);
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 250));
        ledger.fault = fault;
        const recoveryMs = await kill();
        this.#recoveries.set(victim as Victim, [...(this.#recoveries.get(victim as Victim) ?? []), recoveryMs]);
        this.#zombies += zombiesOf(this.seed.handle.pid);
        // Answers to calls from before have all come when everybody has had another.
        await this.#answered(ledger);
        ledger.fault = 'none';
      }
    }
    for (const victim of Object.keys(victims)) {
      const recoveries = this.#recoveries.get(victim as Victim) ?? [];
      this.#say(
        `${victim}: ${recoveries.length} kills, back after ${round(median(recoveries), 0)} ms (at most ${round(Math.max(...recoveries), 0)})`,
      );
    }
  }

  async #answered(ledger: Ledger): Promise<void> {
    const before = ledger.acknowledged;
    await until(
      () => ledger.acknowledged,
      (now) => now > before + 50,
    );
  }

  /** @returns ms until another one has taken its place */
  async #killHost(path: string): Promise<number> {
    const pids = await until(
      () => pidsOf(this.seed, path),
      (found) => found.length > 0,
    );
    const pid = pids[Math.floor(Math.random() * pids.length)] as number;
    const family = familyOf(pid);
    const startedMs = performance.now();
    process.kill(pid, 'SIGKILL');
    await until(
      () => pidsOf(this.seed, path),
      (now) => now.length >= pids.length && !now.includes(pid),
    );
    const recoveryMs = performance.now() - startedMs;
    await this.#countOrphans(family);
    return recoveryMs;
  }

  async #killNode(): Promise<number> {
    const family = familyOf(this.seed.nodePid);
    const startedMs = performance.now();
    process.kill(this.seed.nodePid, 'SIGKILL');
    await this.seed.nodeAgain();
    const recoveryMs = performance.now() - startedMs;
    await this.#countOrphans(family);
    return recoveryMs;
  }

  /** Started again at once, as a service manager does. */
  async #killRoot(): Promise<number> {
    const family = familyOf(this.seed.handle.pid);
    const startedMs = performance.now();
    process.kill(this.seed.handle.pid, 'SIGKILL');
    await this.seed.handle.exited;
    this.#seed = await this.#start();
    (this.#ledger as Ledger).seed = this.#seed;
    const recoveryMs = performance.now() - startedMs;
    await this.#countOrphans(family);
    return recoveryMs;
  }

  async #countOrphans(family: readonly ReturnType<typeof familyOf>[number][]): Promise<void> {
    const deadlineMs = performance.now() + GONE_WITHIN_MS;
    while (stillAlive(family) > 0 && performance.now() < deadlineMs) await new Promise((resolve) => setTimeout(resolve, 20));
    this.#orphans += stillAlive(family);
  }

  async #improve(): Promise<string> {
    const budget = `${Math.max(6, this.#rounds * 4)}s`;
    const { status, body } = await this.seed.api<{ data: { id: string } }>('POST', '/api/agents/packer/improvements', { budget, seed: 1 });
    if (status !== 202) throw new Error(JSON.stringify(body));
    return body.data.id;
  }

  /** A search whose evaluators are killed goes on and comes to an end of its own. */
  async #improved(id: string): Promise<void> {
    const { body } = await until(
      () => this.seed.api<{ data: { state: string; reason: string; evaluated: number } }>('GET', `/api/improvements/${id}`),
      ({ body: answer }) => !['queued', 'generating', 'validating', 'staged', 'waiting', 'promoting'].includes(answer.data.state),
      300_000,
    );
    this.#say(`improvement: ${body.data.state} after ${body.data.evaluated} candidates (${body.data.reason})`);
    if (['failed', 'cancelled'].includes(body.data.state) || body.data.evaluated === 0)
      this.#failures.push(`the improvement ended as ${body.data.state}: ${body.data.reason}`);
  }
}
