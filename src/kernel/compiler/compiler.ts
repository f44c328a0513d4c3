// TypeScript of an agent's folder in, one script and its source map out. Nothing of the author's runs here.
import { SeedError } from '#lib/error.ts';
import type { Bundle, SourceFiles } from './artifact.ts';
import { compileError, compileFailed, problemOf, type CompileProblem } from './compile-error.ts';
import { contractPrelude, wrapContract } from './contract-script.ts';
import { EsbuildService, type EsbuildServiceOptions } from './esbuild-service.ts';
import { checkPolicy, requirePolicy } from './policy.ts';
import { checkSourceFiles } from './source-files.ts';
import { ENTRIES, MODULE_GLOBAL, virtualFolder, type EntryKind } from './virtual-folder.ts';

/** Warnings of esbuild that mean the script would not do what its author thinks. */
const FATAL_WARNINGS = new Set([
  'empty-import-meta',
  'import-is-undefined',
  'call-import-namespace',
  'assign-to-import',
  'assign-to-constant',
]);

export class Compiler {
  readonly #service: EsbuildService;
  #prelude: Promise<string> | null = null;

  /** Starts nothing: the first compilation starts esbuild (about 30 ms). */
  constructor(options: EsbuildServiceOptions = {}) {
    this.#service = new EsbuildService(options);
  }

  /** For the manifest: `esbuild 0.28.2`. */
  version(): Promise<string> {
    return this.#service.version();
  }

  /**
   * Builds agent.ts with the files it imports; contract.ts and evals/ only as types.
   * @throws SeedError `compile_failed` with `details: CompileProblem[]`; `invalid_input` and `payload_too_large` for the folder itself
   */
  compileAgent(files: SourceFiles): Promise<Bundle> {
    return this.#compile(files, 'agent');
  }

  /** As `compileAgent`, and the built script keeps to the policy. @throws as `compileAgent`; SeedError `policy_refused` with `details: Violation[]` */
  async compileChecked(files: SourceFiles): Promise<Bundle> {
    const bundle = await this.compileAgent(files);
    requirePolicy(checkPolicy(bundle));
    return bundle;
  }

  /** Builds evals/evaluation.ts with the files of evals/ it imports. @throws as `compileAgent` */
  compileEvaluation(files: SourceFiles): Promise<Bundle> {
    return this.#compile(files, 'evaluation');
  }

  /**
   * Builds contract.ts, with zod, into a script whose export `CONTRACT_ENTRY` is a function that returns the contract as plain
   * data. To be run in a sandbox; `contractFrom` does that and reads what it returns.
   * @throws as `compileAgent`
   */
  async compileContract(files: SourceFiles): Promise<Bundle> {
    const [bundle, prelude] = await Promise.all([this.#compile(files, 'contract'), this.#makePrelude()]);
    return wrapContract(bundle, prelude);
  }

  /** Makes beforehand what the first contract would wait for (about 300 ms). What fails here fails again there. */
  async warm(): Promise<void> {
    await this.#makePrelude().catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.#service.close();
  }

  #makePrelude(): Promise<string> {
    // Not shared on failure: the next call tries again.
    this.#prelude ??= contractPrelude(this.#service).catch((error: unknown) => {
      this.#prelude = null;
      throw error;
    });
    return this.#prelude;
  }

  async #compile(files: SourceFiles, kind: EntryKind): Promise<Bundle> {
    const entry = ENTRIES[kind];
    checkSourceFiles(files, [entry]);
    try {
      const built = await this.#service.build({
        entryPoints: ['entry'],
        bundle: true,
        format: 'iife',
        globalName: MODULE_GLOBAL,
        platform: 'neutral',
        target: 'es2024',
        charset: 'utf8',
        legalComments: 'none',
        sourcemap: 'external',
        // The sources are kept beside it.
        sourcesContent: false,
        tsconfigRaw: {},
        plugins: [virtualFolder(files, kind)],
      });
      const fatal = built.warnings.filter((warning) => FATAL_WARNINGS.has(warning.id)).map(problemOf);
      if (fatal.length > 0) throw compileFailed(fatal);
      return { js: built.js, map: relativeSources(built.map) };
    } catch (error) {
      throw explain(compileError(error));
    }
  }
}

/** `folder:evals/evaluation.ts` → `evals/evaluation.ts`. */
function relativeSources(mapJson: string): string {
  const map = JSON.parse(mapJson) as { sources: string[] };
  return JSON.stringify({ ...map, sources: map.sources.map((source) => source.replace(/^[a-z]+:/, '')) });
}

/** Says in our words what esbuild says in terms of the shim. */
function explain(error: unknown): unknown {
  if (!(error instanceof SeedError) || error.code !== 'compile_failed' || !Array.isArray(error.details)) return error;
  const problems = error.details as readonly CompileProblem[];
  return compileFailed(
    problems.map((problem) => {
      const name = /No matching export in "api:[^"]*" for import "(\w+)"/.exec(problem.text)?.[1];
      if (name === undefined) return problem;
      const text =
        name === 'z'
          ? 'z does not exist while an agent runs: schemas belong in contract.ts'
          : `"seed-agent/agent" has no ${name}; it has agent, contract and evaluation`;
      return { ...problem, text };
    }),
  );
}
