// One long-lived esbuild process for all compilations: started by the first of them, started again when one of them ends it.
import type * as esbuildModule from 'esbuild';
import esbuildPackage from 'esbuild/package.json' with { type: 'json' };
import type { BuildOptions, Message, Plugin } from 'esbuild';
import { SeedError } from '#lib/error.ts';

/** A build of a 7 KB agent takes 3 ms; what takes this long never ends well (2,000 nested arrows: 17 s). */
const DEADLINE_MS = 10_000;
const GONE = /^The service (was stopped|is no longer running)/;
const HINT = 'the source may be nested too deeply; write it simpler';

type Esbuild = typeof esbuildModule;

/** What a build may choose: it never writes, and its plugins decide what is read. */
export type ServiceBuild = Omit<BuildOptions, 'write' | 'plugins' | 'logLevel' | 'outfile' | 'outdir'> & { plugins: Plugin[] };

export interface Built {
  js: string;
  /** Source map, version 3, JSON; empty when none was asked for. */
  map: string;
  warnings: readonly Message[];
}

export interface EsbuildServiceOptions {
  /** Wall clock of one build, ms; default 10,000. */
  deadlineMs?: number;
}

/** The process ended, or was ended, while a build was running; not necessarily by that build. */
class ServiceGone extends Error {}

export class EsbuildService {
  readonly #deadlineMs: number;
  #loading: Promise<Esbuild> | null = null;
  readonly #inFlight = new Set<(gone: ServiceGone) => void>();
  /** Builds that were running when the process ended take their second try one after the other, so that the cause shows. */
  #alone: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: EsbuildServiceOptions = {}) {
    this.#deadlineMs = options.deadlineMs ?? DEADLINE_MS;
  }

  /** Of the compiler in use, for manifests: `esbuild 0.28.2`. Loads and starts nothing. */
  version(): Promise<string> {
    return Promise.resolve(`esbuild ${esbuildPackage.version}`);
  }

  /**
   * @throws SeedError `compile_failed` when the source took too long or ended the compiler's process, `unavailable` when
   *   closed; otherwise esbuild's own BuildFailure with its messages
   */
  async build(options: ServiceBuild): Promise<Built> {
    await this.#alone;
    try {
      return await this.#build(options);
    } catch (error) {
      if (!(error instanceof ServiceGone)) throw error;
    }
    const retry = this.#alone.then(() => this.#build(options));
    this.#alone = retry.catch(() => undefined);
    try {
      return await retry;
    } catch (error) {
      if (!(error instanceof ServiceGone)) throw error;
      throw new SeedError('compile_failed', 'the compiler ended while it read this source', { hint: HINT, cause: error });
    }
  }

  /** Ends the process; builds in flight and later ones are refused. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#loading !== null) this.#end(await this.#loading);
    await this.#alone;
  }

  async #build(options: ServiceBuild): Promise<Built> {
    const esbuild = await this.#load();
    if (this.#closed) throw new SeedError('unavailable', 'the compiler is closed');
    const gone = Promise.withResolvers<never>();
    this.#inFlight.add(gone.reject);
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.reject(new SeedError('compile_failed', `compiling took longer than ${this.#deadlineMs} ms`, { hint: HINT }));
      this.#inFlight.delete(gone.reject);
      this.#end(esbuild);
    }, this.#deadlineMs);
    try {
      const building = esbuild.build({ ...options, write: false, logLevel: 'silent', outfile: 'bundle.js' });
      const result = await Promise.race([building, gone.promise, late.promise]);
      const text = (suffix: string): string => result.outputFiles.find((file) => file.path.endsWith(suffix))?.text ?? '';
      return { js: text('bundle.js'), map: text('bundle.js.map'), warnings: result.warnings };
    } catch (error) {
      if (!(error instanceof Error && GONE.test(error.message))) throw error;
      this.#end(esbuild);
      throw new ServiceGone(error.message, { cause: error });
    } finally {
      clearTimeout(timer);
      this.#inFlight.delete(gone.reject);
    }
  }

  /** esbuild starts its process again by itself after it was told to stop; what it was building it forgets without a word. */
  #end(esbuild: Esbuild): void {
    void esbuild.stop();
    for (const reject of this.#inFlight) reject(new ServiceGone('the compiler was ended'));
    this.#inFlight.clear();
  }

  #load(): Promise<Esbuild> {
    this.#loading ??= import('esbuild');
    return this.#loading;
  }
}
