// The thread that compilations run in: the parsers and the policy take milliseconds that calls should not wait for.
import { constants, getPriority, setPriority } from 'node:os';
import { serveThread } from '#lib/thread.ts';
import { Compiler } from './compiler.ts';

/** Behind calls, by so much more than the node has itself. esbuild's process, which is started from here, has it too. */
const NICENESS = 10;

// Linux alone keeps priorities by thread: elsewhere it would be the whole node's.
if (process.platform === 'linux') setPriority(Math.min(constants.priority.PRIORITY_LOW, getPriority() + NICENESS));

const compiler = new Compiler();

export const compilations = {
  compileChecked: compiler.compileChecked.bind(compiler),
  compileEvaluation: compiler.compileEvaluation.bind(compiler),
  compileContract: compiler.compileContract.bind(compiler),
  warm: compiler.warm.bind(compiler),
  close: compiler.close.bind(compiler),
};

serveThread(compilations);
