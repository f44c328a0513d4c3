// The compiler as the node holds it: in a thread of its own.
import { Thread } from '#lib/thread.ts';
import type { Bundle, SourceFiles } from './artifact.ts';
import type { compilations } from './compiler-thread.ts';
import { EsbuildService } from './esbuild-service.ts';

export class ThreadedCompiler {
  readonly #thread = new Thread<typeof compilations>({
    url: new URL('./compiler-thread.ts', import.meta.url),
    name: 'compiler',
    // esbuild's process gets this environment and no other. Fewer collections: a build lives for 3 ms.
    env: { GOGC: '400' },
  });

  /** As `Compiler.version`. */
  version(): Promise<string> {
    return new EsbuildService().version();
  }

  /** As `Compiler.compileChecked`. */
  compileChecked(files: SourceFiles): Promise<Bundle> {
    return this.#thread.call('compileChecked', files);
  }

  /** As `Compiler.compileEvaluation`. */
  compileEvaluation(files: SourceFiles): Promise<Bundle> {
    return this.#thread.call('compileEvaluation', files);
  }

  /** As `Compiler.compileContract`. */
  compileContract(files: SourceFiles): Promise<Bundle> {
    return this.#thread.call('compileContract', files);
  }

  /** As `Compiler.warm`; never rejects. */
  warm(): Promise<void> {
    return this.#thread.call('warm').catch(() => undefined);
  }

  async close(): Promise<void> {
    // esbuild's process ends with it, and is waited for.
    if (this.#thread.isRunning) await this.#thread.call('close').catch(() => undefined);
    await this.#thread.close();
  }
}
