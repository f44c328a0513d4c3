// What holds for every proposer, held against all four: the search, the two real programs and a model, each as a node makes it. What one
// can not meet by its nature stands in the table, with the reason.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isProtectedPath } from '#kernel/compiler/artifact.ts';
import type { ProposalRequest, Proposer, ProposerEvent } from '#improvement/proposer.ts';
import { authoredProposer } from '#improvement/proposers/author/authored.ts';
import { geneticProposer } from '#improvement/proposers/genetic/genetic.ts';
import { descendants } from '../processes.ts';
import { until } from '../until.ts';
import { PRICED, pricedAgent } from './priced-agent.ts';
import { settingsOf } from './programs.ts';
import { ProposalBench } from './proposal-bench.ts';
import { ScriptedApi, type Scenario } from './scripted-api.ts';

const BETTER: Scenario = {
  steps: [{ write: { path: 'agent.ts', content: pricedAgent('return a + 2 * b;') } }, { text: 'It counts b twice.' }],
};
const FORBIDDEN: Scenario = { steps: [{ write: { path: 'contract.ts', content: 'export default 1;\n' } }, { text: 'easier now' }] };
const BROKEN = { ...PRICED, 'agent.ts': pricedAgent("throw new Error('broken');") };
const FRESH = [901, 902, 903];

type Line = 'better' | 'unscorable' | 'abort' | 'no budget' | 'spent' | 'seeds' | 'credential';

interface Entrant {
  name: string;
  make: (settings: Readonly<Record<string, string>>) => Proposer;
  /** Lines that do not hold for it, and why. */
  exempt: Readonly<Partial<Record<Line, string>>>;
}

let api: ScriptedApi;
let bench: ProposalBench;
/** Where nobody has signed in. */
const nobody = mkdtempSync(join(tmpdir(), 'seed-nobody-'));
beforeAll(async () => {
  [api, bench] = await Promise.all([ScriptedApi.start(), ProposalBench.start(PRICED)]);
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
  rmSync(nobody, { recursive: true });
});

const written = (name: string): Entrant => ({
  name,
  make: (settings) => authoredProposer({ author: bench.author(name, settings), monotonicMs: () => performance.now() }),
  exempt: {},
});
const ENTRANTS: readonly Entrant[] = [
  {
    name: 'genetic',
    make: () => geneticProposer({ islands: 2, islandSize: 8, batchSize: 8, samples: 2, maxBred: 300 }),
    exempt: { spent: 'it asks nobody who is paid', credential: 'it asks nobody' },
  },
  written('claude-code'),
  written('codex'),
  written('model'),
];
const meeting = (line: Line): Entrant[] => ENTRANTS.filter(({ exempt }) => exempt[line] === undefined);

/** As it is set up by somebody who has signed in, with this scenario on the model's side. */
function proposerOf(
  { name, make }: Entrant,
  line: string,
  scenario: Scenario,
): { proposer: Proposer; requests: () => ScriptedApi['requests'] } {
  const played = `${line.replaceAll(' ', '-')}-${name}`;
  const url = api.play(played, scenario);
  const settings = {
    ...settingsOf(url),
    IMPROVEMENT_MODEL: 'compatible/scripted',
    MODEL_API_URL: url.codex,
    TOKEN_PRICES: 'codex=2/2/10, model=2/2/10',
  };
  return { proposer: make(settings), requests: () => api.requests.filter(({ scenario: its }) => its === played) };
}

async function collect(proposer: Proposer, given: Partial<ProposalRequest> = {}): Promise<ProposerEvent[]> {
  return Array.fromAsync(proposer.propose(bench.request(given)));
}

function candidatesOf(events: readonly ProposerEvent[]) {
  return events.filter((event) => event.type === 'candidate');
}

describe.each(meeting('better'))('$name', (entrant) => {
  test('hands over a candidate that is better by the evaluator’s own word, and changes no protected file', async () => {
    const { proposer } = proposerOf(entrant, 'better', BETTER);
    expect(proposer.name).toBe(entrant.name);
    const candidates = candidatesOf(await collect(proposer));
    expect(candidates.length).toBeGreaterThan(0);
    for (const { files } of candidates) {
      expect(Object.keys(files).filter(isProtectedPath)).toEqual([]);
      expect(Object.keys(files)).toContain('agent.ts');
    }
    const [best] = candidates;
    expect(await bench.score(best!, FRESH)).toBeLessThan(await bench.score({ files: {} }, FRESH));
  });
});

describe.each(meeting('unscorable'))('$name', (entrant) => {
  test('a version to better that can not be scored itself is refused before anybody is asked', async () => {
    const { proposer, requests } = proposerOf(entrant, 'unscorable', BETTER);
    await expect(collect(proposer, { sources: BROKEN })).rejects.toMatchObject({
      code: 'validation_failed',
      message: expect.stringContaining('broken'),
    });
    expect(requests()).toEqual([]);
  });
});

/** When it is ended: as soon as it has asked that often for a score, or somebody was asked for code. */
const MOMENTS = [
  { when: 'while the version to better is scored', scored: 1, reason: undefined },
  { when: 'in the middle of its work', scored: 2, reason: new Error('the node stops') },
];

describe.each(meeting('abort'))('$name', (entrant) => {
  test.each(MOMENTS)('ended $when it is cancelled, and leaves nothing behind', async ({ scored, reason }) => {
    const { proposer, requests } = proposerOf(entrant, `abort ${scored}`, { steps: ['silence'] });
    const stop = new AbortController();
    const before = bench.asked.length;
    const ending = collect(proposer, { signal: stop.signal }).catch((error: unknown) => error);
    await until(
      () => requests().length > 0 || bench.asked.length >= before + scored,
      (isUnderWay) => isUnderWay,
    );
    stop.abort(reason);
    expect(await ending).toMatchObject({ code: 'cancelled' });
    expect(bench.left()).toEqual([]);
    expect(descendants(process.pid).filter(({ command }) => /bin\/codex|\/claude /.test(command))).toEqual([]);
  });
});

describe.each(meeting('no budget'))('$name', (entrant) => {
  test.each([0, 1])('with a budget of %i ms it ends, and asks nobody', async (budgetMs) => {
    const { proposer, requests } = proposerOf(entrant, 'no budget', BETTER);
    expect(candidatesOf(await collect(proposer, { budgetMs }))).toEqual([]);
    expect(requests()).toEqual([]);
  });
});

describe.each(meeting('spent'))('$name', (entrant) => {
  test('what it says it has spent is what the server has counted, each run once, and what that costs', async () => {
    const { proposer, requests } = proposerOf(entrant, 'spent', FORBIDDEN);
    const events = await collect(proposer);
    const spent = events.filter((event) => event.type === 'spent').map((event) => event.spent);
    expect(spent).toHaveLength(3);
    expect(candidatesOf(events)).toEqual([]);
    const counted = requests().map(({ tokens }) => tokens ?? { input: 0, output: 0 });
    expect(sum(spent.map(({ inputTokens }) => inputTokens))).toBe(sum(counted.map(({ input }) => input)));
    expect(sum(spent.map(({ outputTokens }) => outputTokens))).toBe(sum(counted.map(({ output }) => output)));
    expect(sum(counted.map(({ input }) => input))).toBeGreaterThan(0);
    for (const { inputTokens, outputTokens, costMicroUsd } of spent) {
      // Claude Code says itself what it has cost, by its own prices.
      if (entrant.name === 'claude-code') expect(costMicroUsd).toBeGreaterThan(0);
      else expect(costMicroUsd).toBe(2 * inputTokens + 10 * outputTokens);
    }
  });
});

describe.each(meeting('seeds'))('$name', (entrant) => {
  test('its score is the evaluator’s on draws that follow from the seed it was given', async () => {
    const drawn = async (seed: number): Promise<{ seeds: Set<number>; scored: boolean }> => {
      const before = bench.asked.length;
      const candidates = candidatesOf(await collect(proposerOf(entrant, 'seeds', BETTER).proposer, { seed, budgetMs: 20_000 }));
      const asked = bench.asked.slice(before);
      const [best] = candidates;
      const itself = asked.filter(({ files }) => files['agent.ts'] === best?.files['agent.ts']);
      const means = await Promise.all(itself.map(({ seeds }) => bench.score(best!, seeds)));
      return { seeds: new Set(asked.flatMap(({ seeds }) => seeds)), scored: means.some((mean) => Math.abs(mean - best!.score) < 1e-9) };
    };
    const [one, other] = [await drawn(7), await drawn(8)];
    expect([one.scored, other.scored]).toEqual([true, true]);
    expect(one.seeds.intersection(other.seeds).size).toBe(0);
  });
});

describe.each(meeting('credential'))('$name', (entrant) => {
  test('without a credential it says so, in the word that everybody branches on', async () => {
    const played = `credential-${entrant.name}`;
    const url = api.play(played, BETTER);
    const { ANTHROPIC_API_KEY: _one, CODEX_API_KEY: _other, ...rest } = settingsOf(url);
    const proposer = entrant.make({ ...rest, CLAUDE_HOME: nobody, CODEX_HOME: nobody, IMPROVEMENT_MODEL: 'openai/gpt-5.5' });
    await expect(collect(proposer)).rejects.toMatchObject({ code: 'unavailable', details: { failure: 'missing_api_key' } });
    expect(api.requests.filter(({ scenario }) => scenario === played)).toEqual([]);
  });
});

test('who needs no credential is free, and nobody else is', () => {
  for (const entrant of ENTRANTS) {
    const { proposer } = proposerOf(entrant, 'free', BETTER);
    expect(proposer.free ?? false).toBe(entrant.exempt.credential !== undefined);
  }
});

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
