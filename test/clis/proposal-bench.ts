// Whatever stands around a proposer in a node, for one small agent: compiler and sandbox host are the real ones. It takes down what was
// asked for.
import { contractFrom } from '#kernel/compiler/contract-data.ts';
import type { SourceFiles } from '#kernel/compiler/artifact.ts';
import { ThreadedCompiler } from '#kernel/compiler/threaded-compiler.ts';
import { SandboxHost } from '#kernel/sandbox/sandbox-host.ts';
import type { BaseVersion } from '#improvement/base-version.ts';
import type { ChangedFiles } from '#improvement/events.ts';
import type { Candidate, ProposalRequest } from '#improvement/proposer.ts';
import { workbench, type Workbench } from '#improvement/workbench.ts';
import type { Author } from '#improvement/proposers/author/author.ts';
import { NodeAuthors } from './node-authors.ts';

/** One call of a proposer's to have something scored. */
export interface Asked {
  files: ChangedFiles;
  seeds: readonly number[];
}

export class ProposalBench implements AsyncDisposable {
  readonly asked: Asked[] = [];
  readonly #compiler: ThreadedCompiler;
  readonly #host: SandboxHost;
  readonly #workbench: Workbench;
  readonly #base: BaseVersion;
  readonly #authors: NodeAuthors[] = [];

  static async start(sources: SourceFiles): Promise<ProposalBench> {
    const host = await SandboxHost.start();
    const compiler = new ThreadedCompiler();
    const bundle = await compiler.compileContract(sources);
    const { contract } = await contractFrom(bundle, (request) => host.evaluateScript(request));
    return new ProposalBench({ hash: 'base', contract, sources }, { host, compiler });
  }

  private constructor(base: BaseVersion, { host, compiler }: { host: SandboxHost; compiler: ThreadedCompiler }) {
    this.#base = base;
    this.#host = host;
    this.#compiler = compiler;
    this.#workbench = workbench({
      compile: (sources) => compiler.compileChecked(sources),
      compileEvaluation: (sources) => compiler.compileEvaluation(sources),
      contractTests: () => Promise.resolve(),
      evaluate: (request, signal) => host.evaluate(request, signal),
      onEvaluated: () => undefined,
    });
  }

  /** As a node with these settings has them. */
  author(name: string, settings: Readonly<Record<string, string>>): Author {
    const authors = new NodeAuthors(settings);
    this.#authors.push(authors);
    return authors.author(name);
  }

  request(given: Partial<ProposalRequest> = {}): ProposalRequest {
    const { contract, sources, hash } = this.#base;
    const { signal = new AbortController().signal } = given;
    return {
      improvement: 'proposal',
      base: { agent: contract.name, hash, version: 1 },
      contract,
      sources: { ...sources },
      goal: 'cost what they cost',
      evidence: '',
      budgetMs: 60_000,
      seed: 7,
      evaluate: async (candidates, { feed = 'inside', ...how }) => {
        const base = given.sources === undefined ? this.#base : { ...this.#base, hash: 'another', sources: given.sources };
        this.asked.push(...candidates.map(({ files }) => ({ files, seeds: how.seeds })));
        return this.#workbench.score(base, candidates, { ...how, set: 'selection', feed, signal });
      },
      before: { runs: 0, rejected: [], made: [] },
      earlier: [],
      ...given,
      signal,
    };
  }

  /** Mean score, fed from outside; none: the version to better. */
  async score(candidate: Candidate, seeds: readonly number[]): Promise<number> {
    const { signal } = new AbortController();
    const [scored] = await this.#workbench.score(this.#base, [{ files: candidate.files }], {
      set: 'selection',
      feed: 'outside',
      seeds,
      signal,
    });
    if (scored?.ok !== true) throw new Error(`it could not be scored: ${scored?.reason}`);
    return scored.mean;
  }

  /** Of all authors. */
  left(): string[] {
    return this.#authors.flatMap((authors) => authors.left());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const authors of this.#authors) authors[Symbol.dispose]();
    await this.#host.close();
    await this.#compiler.close();
  }
}
