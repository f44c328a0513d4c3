// Against the real compiler, policy and evaluator host: what the search writes is what runs, and it is scored alike from both sides.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { SourceFiles } from '#kernel/compiler/artifact.ts';
import { Compiler } from '#kernel/compiler/compiler.ts';
import { contractFrom } from '#kernel/compiler/contract-data.ts';
import type { ContractData } from '#kernel/compiler/contract.ts';
import { checkPolicy } from '#kernel/compiler/policy.ts';
import type { EvaluateOutcome, EvaluateRequest } from '#kernel/sandbox/call.ts';
import { SandboxHost } from '#kernel/sandbox/sandbox-host.ts';
import { createBuildTemplate, type BuildTemplate } from '../../build-template.ts';
import type { Evaluate, ProposerEvent } from '../../proposer.ts';
import { randomFrom } from '../../random.ts';
import { condense } from './condense.ts';
import { readFunctions, toCandidate } from './functions.ts';
import { geneticProposer } from './genetic.ts';
import { randomTree } from './material.ts';

const root = join(import.meta.dirname, '../../../..');
const folder = join(root, 'agents/packer');

let compiler: Compiler;
let host: SandboxHost;
let sources: SourceFiles;
let contract: ContractData;
let evaluationJs: string;
let template: BuildTemplate;

beforeAll(async () => {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (path) => path.endsWith('.ts') && !path.endsWith('.test.ts'),
  );
  sources = Object.fromEntries(paths.map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
  compiler = new Compiler();
  host = await SandboxHost.start();
  ({ contract } = await contractFrom(await compiler.compileContract(sources), (request) => host.evaluateScript(request)));
  evaluationJs = (await compiler.compileEvaluation(sources)).js;
  template = await createBuildTemplate(sources, { names: ['priority'], build: async (files) => (await compiler.compileAgent(files)).js });
});

afterAll(async () => {
  await host.close();
  await compiler.close();
});

function score(candidateJs: string, given: Pick<EvaluateRequest, 'feed' | 'seeds' | 'stopAt' | 'paceAt'>): Promise<EvaluateOutcome> {
  const { limits, capabilities } = contract;
  return host.evaluate({
    agent: contract.name,
    candidateJs,
    evaluationJs,
    limits,
    capabilities,
    set: 'selection',
    direction: 'minimize',
    deadlineMs: 60_000,
    ...given,
  });
}

/** Candidates of random trees, written as the search writes them. */
function randomCandidates(count: number) {
  const functions = readFunctions(contract, sources);
  const [parameters] = functions.parameters as [(typeof functions.parameters)[number]];
  const random = randomFrom(1, 'random candidates');
  return Array.from({ length: count }, () => toCandidate([condense(randomTree({ parameters, random }, 5), parameters)], functions));
}

describe('what the search writes', () => {
  test('is built, passes the policy, and is the same script spliced or built', async () => {
    for (const candidate of randomCandidates(25)) {
      const bundle = await compiler.compileAgent({ ...sources, ...candidate.files });
      expect(checkPolicy(bundle).violations).toEqual([]);
      // The compiler has a hand of its own in white space, parentheses and numbers.
      const bare = (js: string): string => js.replaceAll(/[\s();]/g, '').replaceAll('0.', '.');
      expect(bare(template(candidate.bodies!))).toBe(bare(bundle.js));
    }
  });

  test('has the same score from inside and outside, to the last digit', async () => {
    for (const candidate of randomCandidates(6)) {
      const built = (await compiler.compileAgent({ ...sources, ...candidate.files })).js;
      const inside = await score(template(candidate.bodies!), { feed: 'inside', seeds: [1, 2] });
      const outside = await score(built, { feed: 'outside', seeds: [1, 2] });
      expect(outside).toMatchObject({ ok: true, scores: inside.ok ? inside.scores : [] });
    }
  });

  test('is formatted as the project formats its own', () => {
    const scratch = mkdtempSync(join(tmpdir(), 'seed-genetic-'));
    onTestFinished(() => rmSync(scratch, { recursive: true }));
    const written = randomCandidates(60).map((candidate) => candidate.files['agent.ts']!);
    written.forEach((text, index) => writeFileSync(join(scratch, `agent-${index}.ts`), text));
    writeFileSync(join(scratch, '.oxfmtrc.json'), '{ "singleQuote": true, "printWidth": 140 }');
    execFileSync(join(root, 'node_modules/.bin/oxfmt'), ['.'], { cwd: scratch, stdio: 'pipe' });
    written.forEach((text, index) => expect(readFileSync(join(scratch, `agent-${index}.ts`), 'utf8')).toBe(text));
  });
});

test('a short search finds what is better on draws it has not seen', async () => {
  const evaluate: Evaluate = (candidates, { seeds, stopAt, paceAt }) =>
    Promise.all(
      candidates.map(async ({ bodies }) => {
        const own = '\n  return (item - residual) / capacity;\n';
        const outcome = await score(template(bodies ?? { priority: own }), {
          feed: 'inside',
          seeds,
          ...(stopAt === undefined ? {} : { stopAt }),
          ...(paceAt === undefined ? {} : { paceAt }),
        });
        return outcome.ok ? outcome : { ok: false, reason: outcome.message };
      }),
    );
  const proposer = geneticProposer({ maxBred: 600, now: () => 0 });
  const { signal } = new AbortController();
  const events: ProposerEvent[] = [];
  const base = { agent: contract.name, hash: 'base', version: 1 };
  const asked = {
    base,
    contract,
    sources,
    goal: '',
    evidence: '',
    budgetMs: 60_000,
    seed: 8,
    evaluate,
    improvement: 'i1',
    before: { runs: 0, rejected: [], made: [] },
    earlier: [],
    signal,
  };
  for await (const event of proposer.propose(asked)) events.push(event);
  const first = events.find((event) => event.type === 'candidate');
  const built = (await compiler.compileAgent({ ...sources, ...first!.files })).js;
  const was = await score((await compiler.compileAgent(sources)).js, { feed: 'outside', seeds: [101, 102, 103] });
  const after = await score(built, { feed: 'outside', seeds: [101, 102, 103] });
  if (!was.ok || !after.ok) throw new Error('could not be scored');
  expect(sum(after.scores)).toBeLessThan(sum(was.scores));
});

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
