// esbuild's messages as an error of ours: agent-relative file, 1-based line and column in UTF-16 units.
import type { Message } from 'esbuild';
import { isSeedError, SeedError } from '#lib/error.ts';

export interface CompileProblem {
  /** Folder-relative path; empty when it belongs to no file. */
  file: string;
  /** 1-based; 0 when it belongs to no line. */
  line: number;
  /** 1-based, UTF-16 units. */
  column: number;
  text: string;
}

/** @returns what to throw: `compile_failed` with `details: CompileProblem[]`, or the error itself when it is not about the source */
export function compileError(error: unknown): unknown {
  if (isSeedError(error) || !hasMessages(error)) return error;
  return compileFailed(error.errors.map(problemOf));
}

export function compileFailed(problems: readonly CompileProblem[]): SeedError {
  const [first] = problems;
  const where = first === undefined || first.line === 0 ? '' : `${first.file}:${first.line}:${first.column}: `;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  return new SeedError('compile_failed', `${where}${first?.text ?? 'the source can not be compiled'}${more}`, { details: problems });
}

export function problemOf(message: Message): CompileProblem {
  const { location, text } = message;
  if (location === null) return { file: '', line: 0, column: 0, text };
  // esbuild counts columns in bytes of UTF-8, from 0.
  const column = Buffer.from(location.lineText).subarray(0, location.column).toString().length + 1;
  return { file: location.file.replace(/^[a-z]+:/, ''), line: location.line, column, text };
}

function hasMessages(error: unknown): error is { errors: Message[] } {
  return error instanceof Error && 'errors' in error && Array.isArray(error.errors);
}
