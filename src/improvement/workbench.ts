// Where candidates are built and scored: compiler and policy in this process, the code itself only in evaluator hosts.
import { SeedError, toSeedError } from '#lib/error.ts';
import { isProtectedPath, type Bundle, type SourceFiles } from '#kernel/compiler/artifact.ts';
import type { ContractData } from '#kernel/compiler/contract.ts';
import { exportChecks } from '#kernel/compiler/validator.ts';
import type { EvaluateOutcome, EvaluateRequest, ReportedSet, SampleSet } from '#kernel/sandbox/call.ts';
import type { BaseVersion } from './base-version.ts';
import { createBuildTemplate, type BuildTemplate } from './build-template.ts';
import type { Candidate } from './proposer.ts';

/** Wall clock for all draws of one candidate. */
const EVALUATE_DEADLINE_MS = 60_000;

type Answer = Extract<EvaluateOutcome, { ok: true }>['answers'][number];

export type Scored =
  | {
      ok: true;
      scores: readonly number[];
      details: readonly unknown[];
      mean: number;
      stopped: boolean;
      cpuMs: number;
      /** Names of the tasks that the evaluation has besides. */
      reported: readonly string[];
    }
  | { ok: false; reason: string };

export interface ScoreOptions {
  set: SampleSet | ReportedSet;
  feed: 'inside' | 'outside';
  seeds: readonly number[];
  /** See EvaluateRequest. */
  stopAt?: number;
  paceAt?: readonly number[];
  signal: AbortSignal;
}

export interface WorkbenchOptions {
  /** Compiles the agent and checks the policy. @throws SeedError `compile_failed`, `policy_refused` */
  compile: (sources: SourceFiles) => Promise<Bundle>;
  compileEvaluation: (sources: SourceFiles) => Promise<Bundle>;
  /** Loads the built code in the validator host and runs the contract's examples. @throws SeedError `validation_failed` */
  contractTests: (base: BaseVersion, bundle: Bundle) => Promise<void>;
  evaluate: (request: EvaluateRequest, signal: AbortSignal) => Promise<EvaluateOutcome>;
  onEvaluated: (agent: string, set: SampleSet | ReportedSet, outcome: EvaluateOutcome) => void;
}

export interface Workbench {
  /** One answer a candidate, in their order. @throws SeedError when nothing can be scored at all */
  score(base: BaseVersion, candidates: readonly Candidate[], options: ScoreOptions): Promise<Scored[]>;
  /** @throws SeedError why it does not pass */
  contractTests(base: BaseVersion, sources: SourceFiles): Promise<void>;
}

export function workbench(options: WorkbenchOptions): Workbench {
  const evaluations = new Map<string, Promise<string>>();
  const templates = new Map<string, Promise<BuildTemplate>>();

  function evaluationJs(base: BaseVersion): Promise<string> {
    let built = evaluations.get(base.hash);
    if (built === undefined) {
      built = options.compileEvaluation(base.sources).then((bundle) => bundle.js);
      evaluations.clear();
      evaluations.set(base.hash, built);
    }
    return built;
  }

  /** Of a base whose evolvable functions are searched over: built once, spliced for every candidate. */
  function templateOf(base: BaseVersion): Promise<BuildTemplate> {
    let template = templates.get(base.hash);
    if (template === undefined) {
      const names = base.contract.exports.filter((spec) => spec.kind === 'evolvable').map((spec) => spec.name);
      template = createBuildTemplate(base.sources, { names, build: async (sources) => (await options.compile(sources)).js });
      template.catch(() => templates.delete(base.hash));
      templates.clear();
      templates.set(base.hash, template);
    }
    return template;
  }

  /** What decides is always built from its files; only the search takes the short way. */
  async function build(base: BaseVersion, { files, bodies }: Candidate, set: ScoreOptions['set']): Promise<string> {
    if (bodies !== undefined && set === 'selection') return (await templateOf(base))(bodies);
    return (await options.compile({ ...base.sources, ...files })).js;
  }

  async function scoreOne(base: BaseVersion, candidate: Candidate, how: ScoreOptions): Promise<Scored> {
    const { files } = candidate;
    const isBase = Object.keys(files).length === 0;
    const refused = Object.keys(files).find(isProtectedPath);
    if (refused !== undefined) return { ok: false, reason: `changes the protected file ${refused}` };
    let js: string;
    try {
      js = await build(base, candidate, how.set);
    } catch (thrown) {
      return { ok: false, reason: toSeedError(thrown).message };
    }
    const { contract } = base;
    const outcome = await options.evaluate(
      {
        agent: contract.name,
        candidateJs: js,
        evaluationJs: await evaluationJs(base),
        limits: contract.limits,
        capabilities: contract.capabilities,
        set: how.set,
        seeds: how.seeds,
        feed: how.feed,
        // What is live is scored as it is: its faults are what a candidate may better.
        repeat: how.set === 'validation' && !isBase,
        ...(how.stopAt === undefined ? {} : { stopAt: how.stopAt }),
        ...(how.paceAt === undefined ? {} : { paceAt: how.paceAt }),
        direction: contract.objective?.direction ?? 'maximize',
        deadlineMs: EVALUATE_DEADLINE_MS,
      },
      how.signal,
    );
    options.onEvaluated(contract.name, how.set, outcome);
    if (!outcome.ok) return { ok: false, reason: `${outcome.failure}: ${outcome.message}` };
    const { scores, details, answers, stopped, cpuMs, reported } = outcome;
    const broken = isBase ? null : brokenContract(contract, answers);
    if (broken !== null) return { ok: false, reason: `it does not keep to its contract: ${broken}` };
    const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
    return { ok: true, scores, details, stopped, cpuMs, mean, reported };
  }

  return {
    score(base, candidates, how) {
      if (contractHasNoEvaluation(base)) {
        throw new SeedError('invalid_state', `${base.contract.name} has no evaluation`, { hint: 'write evals/evaluation.ts' });
      }
      return Promise.all(candidates.map((candidate) => scoreOne(base, candidate, how)));
    },
    async contractTests(base, sources) {
      await options.contractTests(base, await options.compile(sources));
    },
  };
}

/** An evaluation may take what callers would be refused: why the first answer that does not fit would be. */
function brokenContract(contract: ContractData, answers: readonly Answer[]): string | null {
  if (answers.length === 0) return null;
  const checks = exportChecks(contract, 'handle');
  for (const { outputJson, streamed } of answers) {
    try {
      if (!streamed) checks.output(outputJson);
      else for (const chunk of JSON.parse(outputJson) as unknown[]) checks.output(JSON.stringify(chunk));
    } catch (thrown) {
      return toSeedError(thrown).message;
    }
  }
  return null;
}

function contractHasNoEvaluation(base: BaseVersion): boolean {
  return base.sources['evals/evaluation.ts'] === undefined;
}
