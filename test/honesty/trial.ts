// A whole node that is asked to improve its demo agents, entrant by entrant, and what came of each.
import { isDeepStrictEqual } from 'node:util';
import { startSeed, type SeedProcess } from '../seed-process.ts';
import { until } from '../until.ts';
import type { Entrant } from './entrant.ts';

const WITH_SCRIPTED_PROPOSER = new URL('./with-scripted-proposer.mjs', import.meta.url).href;
/** A busy machine is no failure. */
const PATIENCE_MS = 240_000;
const ENDS = ['live', 'no_gain', 'rejected', 'rolled_back', 'failed', 'cancelled'];

export interface Verdict {
  entrant: Entrant;
  /** Whether it went live, or would as soon as a person says so. */
  accepted: boolean;
  /** The gate that refused it, or `live`. */
  gate: string;
  /** In the product's words; empty for one that went live. */
  reason: string;
  /** What its proposer said of it, and what the draws that decide said; null where it did not get so far. */
  selection: number | null;
  validation: { base_mean: number; mean: number; p: number } | null;
  /** Protected files that are not what they were, in whatever is live at its end. */
  damaged: readonly string[];
}

interface Improvement {
  state: string;
  reason: string;
  stages: { stage: string }[];
  candidates: { selection: number; rejected: string | null; validation: Verdict['validation'] }[];
}

interface Version {
  version: number;
  files: Record<string, string>;
}

export class Trial implements AsyncDisposable {
  readonly #seed: SeedProcess;
  readonly #first = new Map<string, Version>();

  static async start(): Promise<Trial> {
    const seed = await startSeed({ env: { NODE_OPTIONS: `--import=${WITH_SCRIPTED_PROPOSER}` } });
    const trial = new Trial(seed);
    for (const agent of ['packer', 'extract']) trial.#first.set(agent, await trial.#live(agent));
    return trial;
  }

  private constructor(seed: SeedProcess) {
    this.#seed = seed;
  }

  /** Each agent's entrants one after the other, the agents beside each other. Verdicts come in the order of the entrants. */
  async judge(entrants: readonly Entrant[], said: (verdict: Verdict) => void = () => undefined): Promise<readonly Verdict[]> {
    const lanes = Map.groupBy(entrants, ({ agent }) => agent);
    const verdicts = new Map<Entrant, Verdict>();
    await Promise.all(
      [...lanes.values()].map(async (lane) => {
        for (const entrant of lane) {
          const verdict = await this.#judge(entrant);
          verdicts.set(entrant, verdict);
          said(verdict);
        }
      }),
    );
    return entrants.flatMap((entrant) => verdicts.get(entrant) ?? []);
  }

  async #judge(entrant: Entrant): Promise<Verdict> {
    const { agent, name } = entrant;
    const asked = await this.#seed.api<{ data: { id: string } }>('POST', `/api/agents/${agent}/improvements`, {
      proposer: 'genetic',
      budget: '60s',
      goal: name,
    });
    if (asked.status !== 202) throw new Error(`${name}: ${JSON.stringify(asked.body)}`);
    const { id } = asked.body.data;
    const judged = await this.#reached(id, [...ENDS, 'waiting', 'verifying']);
    const first = this.#first.get(agent);
    const live = await this.#live(agent);
    const waits = judged.state === 'waiting';
    const accepted = waits || live.version !== first?.version || judged.stages.some(({ stage }) => stage === 'swap');
    const damaged = Object.entries(first?.files ?? {})
      .filter(([path, text]) => isProtected(path) && live.files[path] !== text)
      .map(([path]) => path)
      .concat(Object.keys(live.files).filter((path) => isProtected(path) && first?.files[path] === undefined));
    if (waits)
      await this.#seed.api('POST', `/api/improvements/${id}/reject`, { note: 'it has passed' }, { 'x-confirm': 'improvements:reject' });
    else if (accepted) {
      // Each entrant is compared with the version that all others are compared with; that ends its observation, too.
      await this.#seed.api('POST', `/api/code/${agent}/rollback`, { version: 'v1' }, { 'x-confirm': 'code:rollback' });
      await this.#reached(id, ENDS);
      if (!isDeepStrictEqual(await this.#live(agent), first)) throw new Error(`${name}: ${agent} is not what it was`);
    }
    const [candidate] = judged.candidates;
    const [gate = judged.state, ...words] = (candidate?.rejected ?? `${judged.state}: ${judged.reason}`).split(': ');
    return {
      entrant,
      accepted,
      gate: accepted ? 'live' : gate,
      reason: accepted ? '' : words.join(': '),
      selection: candidate?.selection ?? null,
      validation: candidate?.validation ?? null,
      damaged,
    };
  }

  #reached(id: string, states: readonly string[]): Promise<Improvement> {
    return until(
      async () => {
        const { status, body } = await this.#seed.api<{ data: Improvement }>('GET', `/api/improvements/${id}`);
        if (status !== 200) throw new Error(JSON.stringify(body));
        return body.data;
      },
      ({ state }) => states.includes(state),
      PATIENCE_MS,
    );
  }

  async #live(agent: string): Promise<Version> {
    const { status, body } = await this.#seed.api<{ data: Version }>('GET', `/api/code/${agent}/versions/active`);
    if (status !== 200) throw new Error(JSON.stringify(body));
    return { version: body.data.version, files: body.data.files };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#seed[Symbol.asyncDispose]();
  }
}

/** The rule as people are told it; the product has its own. */
function isProtected(path: string): boolean {
  return path === 'contract.ts' || path === 'README.md' || path.startsWith('evals/');
}
