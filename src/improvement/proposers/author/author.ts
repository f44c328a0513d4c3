// Port: whoever writes code when asked in words, a program that edits files or a model that answers.
import type { SourceFiles } from '#kernel/compiler/artifact.ts';
import type { CliFailure } from '#lib/coding-cli/coding-cli.ts';
import type { Tokens } from '#lib/token-prices.ts';
import type { ChangedFiles } from '../../events.ts';
import type { Change } from '../../lineage/workspace.ts';

export interface AuthorTask {
  prompt: string;
  /** What holds for every task. */
  instructions: string;
  /** The version to better. */
  base: { agent: string; hash: string; version: number; sources: SourceFiles };
  /** The files to begin with, where they differ from that version's. */
  start: ChangedFiles;
  /** What its evaluation says of itself; null where it says nothing. */
  description: string | null;
  /** Wall clock for the whole attempt. */
  timeoutMs: number;
  /** For programs that take turns. */
  maxTurns: number;
  /** What it may cost, where that can be said; undefined: whatever it does. */
  budgetMicroUsd: number | undefined;
  signal: AbortSignal;
}

export interface AuthorUsage extends Tokens {
  /** Null where nobody says. */
  costMicroUsd: number | null;
}

/** `failure`: in the words of `CliFailure`, whoever it was. */
export type AuthorOutcome =
  | { ok: true; text: string; changes: readonly Change[]; usage: AuthorUsage }
  | { ok: false; failure: CliFailure; message: string; usage: AuthorUsage };

export type AuthorEvent =
  | { type: 'activity'; activity: { kind: 'text' | 'tool' | 'file'; text: string } }
  /** The last one, always there. */
  | { type: 'ended'; outcome: AuthorOutcome };

export interface Author {
  /** Becomes the manifest's `proposer`. */
  readonly name: string;
  /** One attempt. One that is aborted ends as `cancelled` with what it has used, or throws. Else throws only what of the node's own failed. */
  write(task: AuthorTask): AsyncGenerator<AuthorEvent, void, void>;
}
