// The compiler's thread of a node that is judged: as the product's, but for the policy (see without-policy.mjs).
import { Compiler } from '#kernel/compiler/compiler.ts';
import type { compilations } from '#kernel/compiler/compiler-thread.ts';
import { serveThread } from '#lib/thread.ts';

const compiler = new Compiler();

serveThread({
  compileChecked: compiler.compileAgent.bind(compiler),
  compileEvaluation: compiler.compileEvaluation.bind(compiler),
  compileContract: compiler.compileContract.bind(compiler),
  warm: compiler.warm.bind(compiler),
  close: compiler.close.bind(compiler),
} satisfies typeof compilations);
