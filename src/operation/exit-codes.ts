// Exit codes of the command line, for people; src/lib/error.ts says which error has which.

export const EXIT_CODES: readonly (readonly [code: number, meaning: string])[] = [
  [0, 'done'],
  [1, 'it was tried and failed, or a check found something wrong; with --batch: at least one line failed'],
  [2, 'the command was not understood: unknown command or flag, missing or wrong input'],
  [3, 'what was asked for does not exist'],
  [4, 'not signed in, or not allowed'],
  [5, 'a conflict: it exists already, or is in a state that does not allow this'],
  [6, 'a dangerous command was not confirmed'],
  [7, 'no node, or it can not answer now: the same command may succeed later'],
  [78, 'a setting is wrong'],
  [130, 'ended with Ctrl-C'],
];
