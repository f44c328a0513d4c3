// The thread that compilations run in: the parsers and the policy take milliseconds that calls should not wait for.
import { serveThread } from '#lib/thread.ts';
import { Compiler } from './compiler.ts';

const compiler = new Compiler();

export const compilations = {
  compileChecked: compiler.compileChecked.bind(compiler),
  compileEvaluation: compiler.compileEvaluation.bind(compiler),
  compileContract: compiler.compileContract.bind(compiler),
  warm: compiler.warm.bind(compiler),
  close: compiler.close.bind(compiler),
};

serveThread(compilations);
