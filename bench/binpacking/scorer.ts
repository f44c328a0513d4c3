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
/** As often as a node scores a candidate again whose host has ended. */
const MAX_RETRIES = 3;

interface Place {
  host: Promise<SandboxHost>;
  /** Candidates that are with the host. */
  queued: number;
}

export class Scorer implements AsyncDisposable {
  readonly base: BaseVersion;
  readonly #compiler: ThreadedCompiler;
  readonly #places: readonly Place[];
  #lost = 0;
  readonly #workbench = workbench({
    compile: (sources) => this.#compiler.compileChecked(sources),
    compileEvaluation: (sources) => this.#compiler.compileEvaluation(sources),
    contractTests: () => Promise.reject(new Error('nothing goes live from here')),
    evaluate: (request, signal) => this.#evaluate(request, signal),
    onEvaluated: () => undefined,
  });

  static async start(sources: SourceFiles): Promise<Scorer> {
    const compiler = new ThreadedCompiler();
    const places = Array.from({ length: HOSTS }, () => ({ host: startHost(), queued: 0 }));
    const [host] = await Promise.all(places.map((place) => place.host));
    const { contract, contractHash } = await contractFrom(await compiler.compileContract(sources), (request) =>
      host!.evaluateScript(request),
    );
    return new Scorer({ hash: contractHash, contract, sources }, { compiler, places });
  }

  private constructor(base: BaseVersion, parts: { compiler: ThreadedCompiler; places: readonly Place[] }) {
    this.base = base;
    this.#compiler = parts.compiler;
    this.#places = parts.places;
  }

  score(candidates: readonly Candidate[], how: Omit<ScoreOptions, 'signal'>): Promise<Scored[]> {
    return this.#workbench.score(this.base, candidates, { ...how, signal: new AbortController().signal });
  }

  /** Hosts that have ended by themselves and were replaced. */
  get lost(): number {
    return this.#lost;
  }

  /** Processor time of this process and of the hosts, all threads, to 10 ms. */
  async cpuMs(): Promise<number> {
    const { user, system } = process.cpuUsage();
    const hosts = await Promise.all(this.#places.map(({ host }) => host));
    return hosts.reduce((sum, { pid }) => sum + cpuMsOf(pid), (user + system) / 1000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#places.map(async ({ host }) => (await host).close()));
    await this.#compiler.close();
  }

  /** On the host with the shortest queue. */
  async #evaluate(request: EvaluateRequest, signal: AbortSignal): Promise<EvaluateOutcome> {
    for (let attempt = 0; ; attempt += 1) {
      const place = this.#places.reduce((least, one) => (one.queued < least.queued ? one : least));
      const { host } = place;
      place.queued += 1;
      const outcome = await (await host).evaluate(request, signal);
      place.queued -= 1;
      if (outcome.ok || outcome.failure !== 'host_lost' || attempt === MAX_RETRIES) return outcome;
      // The first to find out puts another one there.
      if (place.host !== host) continue;
      place.host = startHost();
      this.#lost += 1;
    }
  }
}

function startHost(): Promise<SandboxHost> {
  return SandboxHost.start({ shortLived: true });
}

function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
