// Compiler, workbench and evaluator hosts as a node has them, without the node: what a search needs to be run and measured.
import { readFileSync } from 'node:fs';
import type { BaseVersion } from '#improvement/base-version.ts';
import { workbench, type Scored, type ScoreOptions } from '#improvement/workbench.ts';
import type { Candidate } from '#improvement/proposer.ts';
import type { SourceFiles } from '#kernel/compiler/artifact.ts';
import { contractFrom } from '#kernel/compiler/contract-data.ts';
import { ThreadedCompiler } from '#kernel/compiler/threaded-compiler.ts';
import type { EvaluateOutcome, EvaluateRequest } from '#kernel/sandbox/call.ts';
import { SandboxHost } from '#kernel/sandbox/sandbox-host.ts';

/** As many as there are cores to measure on. */
const HOSTS = 2;

export class Scorer implements AsyncDisposable {
  readonly base: BaseVersion;
  readonly #compiler: ThreadedCompiler;
  readonly #hosts: readonly SandboxHost[];
  readonly #queued: number[];
  readonly #workbench = workbench({
    compile: (sources) => this.#compiler.compileChecked(sources),
    compileEvaluation: (sources) => this.#compiler.compileEvaluation(sources),
    contractTests: () => Promise.reject(new Error('nothing goes live from here')),
    evaluate: (request, signal) => this.#evaluate(request, signal),
    onEvaluated: () => undefined,
  });

  static async start(sources: SourceFiles): Promise<Scorer> {
    const compiler = new ThreadedCompiler();
    const hosts = await Promise.all(Array.from({ length: HOSTS }, () => SandboxHost.start({ shortLived: true })));
    const { contract, contractHash } = await contractFrom(await compiler.compileContract(sources), (request) =>
      hosts[0]!.evaluateScript(request),
    );
    return new Scorer({ hash: contractHash, contract, sources }, { compiler, hosts });
  }

  private constructor(base: BaseVersion, parts: { compiler: ThreadedCompiler; hosts: readonly SandboxHost[] }) {
    this.base = base;
    this.#compiler = parts.compiler;
    this.#hosts = parts.hosts;
    this.#queued = parts.hosts.map(() => 0);
  }

  score(candidates: readonly Candidate[], how: Omit<ScoreOptions, 'signal'>): Promise<Scored[]> {
    return this.#workbench.score(this.base, candidates, { ...how, signal: new AbortController().signal });
  }

  /** Processor time of this process and of the hosts, all threads, to 10 ms. */
  cpuMs(): number {
    const { user, system } = process.cpuUsage();
    return this.#hosts.reduce((sum, { pid }) => sum + cpuMsOf(pid), (user + system) / 1000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#hosts.map((host) => host.close()));
    await this.#compiler.close();
  }

  /** On the host with the shortest queue. */
  async #evaluate(request: EvaluateRequest, signal: AbortSignal): Promise<EvaluateOutcome> {
    const index = this.#queued.indexOf(Math.min(...this.#queued));
    this.#queued[index]! += 1;
    try {
      const outcome = await this.#hosts[index]!.evaluate(request, signal);
      if (!outcome.ok && outcome.failure === 'host_lost') throw new Error(`an evaluator host has ended: ${outcome.message}`);
      return outcome;
    } finally {
      this.#queued[index]! -= 1;
    }
  }
}

function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
