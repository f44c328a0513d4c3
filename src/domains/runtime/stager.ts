// From source files to a version in the store: compile → policy → contract → contract tests → put.
import type { Artifact, Bundle, SourceFiles } from '#kernel/compiler/artifact.ts';
import { isProtectedPath } from '#kernel/compiler/artifact.ts';
import type { ContractData } from '#kernel/compiler/contract.ts';
import type { CodeStore } from '#kernel/code-store/code-store.ts';
import { SeedError } from '#lib/error.ts';

/** A candidate that has been compiled and whose contract is known; nothing of it is stored. */
export interface Built {
  sources: SourceFiles;
  bundle: Bundle;
  evaluation: Bundle | null;
  contract: ContractData;
}

export interface StagerOptions {
  codeStore: CodeStore;
  /** @throws SeedError `compile_failed`, `policy_refused` */
  compileAgent: (sources: SourceFiles) => Promise<Bundle>;
  compileEvaluation: (sources: SourceFiles) => Promise<Bundle>;
  /** @throws SeedError `compile_failed`, `contract_invalid` */
  readContract: (sources: SourceFiles) => Promise<ContractData>;
  /** Loads the code in the validator host and runs the contract's examples. @throws SeedError `validation_failed` */
  contractTests: (contract: ContractData, bundle: Bundle) => Promise<void>;
  compiler: string;
  nowMs: () => number;
}

export interface KeepOptions {
  agent: string;
  parent: string | null;
  proposer: string;
  note: string;
  reports: Readonly<Record<string, unknown>>;
  /** Of what its proposer was asked. Default null: nobody was. */
  promptHash?: string | null;
  principal: { kind: string; id: string };
  /** Default now. The time is part of what a version is: who may have to keep one twice says the same time twice. */
  createdAtMs?: number;
}

export class Stager {
  readonly #options: StagerOptions;

  constructor(options: StagerOptions) {
    this.#options = options;
  }

  /** @param request.agent refuses a contract for another agent */
  async build(request: { sources: SourceFiles; agent?: string }): Promise<Built> {
    const { compileAgent, compileEvaluation, readContract } = this.#options;
    const { sources, agent } = request;
    for (const name of ['contract.ts', 'agent.ts']) {
      if (sources[name] === undefined)
        throw new SeedError('invalid_input', `${name} is missing`, { hint: 'an agent has a contract.ts and an agent.ts' });
    }
    const [bundle, contract, evaluation] = await Promise.all([
      compileAgent(sources),
      readContract(sources),
      sources['evals/evaluation.ts'] === undefined ? null : compileEvaluation(sources),
    ]);
    if (agent !== undefined && contract.name !== agent) {
      throw new SeedError('invalid_input', `the contract is for ${JSON.stringify(contract.name)}, not for ${JSON.stringify(agent)}`);
    }
    return { sources, bundle, evaluation, contract };
  }

  check(built: Built): Promise<void> {
    return this.#options.contractTests(built.contract, built.bundle);
  }

  /**
   * Puts it into the store, under the next number. The same content twice is one version.
   * @param accepted as in `CodeStore.put`
   */
  keep(built: Built, options: KeepOptions, accepted?: Promise<unknown>): Promise<{ artifact: Artifact; number: number }> {
    const { codeStore, compiler, nowMs } = this.#options;
    return codeStore.put(
      {
        agent: options.agent,
        js: built.bundle.js,
        map: built.bundle.map,
        evaluationJs: built.evaluation?.js ?? null,
        sources: built.sources,
        contract: built.contract,
        compiler,
        parent: options.parent,
        proposer: options.proposer,
        promptHash: options.promptHash ?? null,
        reports: options.reports,
        createdAt: new Date(options.createdAtMs ?? nowMs()).toISOString(),
        note: options.note,
        principal: options.principal,
      },
      accepted,
    );
  }
}

/** What a proposer must leave as it is. @throws SeedError `policy_refused` */
export function checkProtected(before: SourceFiles, after: SourceFiles): void {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  for (const name of names) {
    if (!isProtectedPath(name) || before[name] === after[name]) continue;
    throw new SeedError('policy_refused', `${name} is protected and was changed`, {
      hint: 'no proposer may change the contract or the evaluation',
    });
  }
}
