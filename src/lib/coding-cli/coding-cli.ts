// What one run of a coding agent's command line is asked and what it answers, the same for every such program.
import type { Tokens } from '../token-prices.ts';

/** Where it may write: nowhere (it only answers), or below `folder` and nowhere else. */
export type CliReach = { kind: 'answer' } | { kind: 'edit'; folder: string };

export interface CliRequest {
  /** Goes in on standard input: not to be seen in a process list, and of any length. */
  prompt: string;
  /** What it is told before the prompt. Default: the program's own words. */
  instructions?: string;
  /** The folder it works in. */
  cwd: string;
  reach: CliReach;
  /** Default: the setting's. */
  model?: string;
  /** JSON Schema of the answer, which is then JSON. Neither program holds itself to it: check what comes. */
  schema?: Readonly<Record<string, unknown>>;
  /** A former run of the same program to go on with, and what was booked for it. */
  resume?: { sessionId: string; booked: CliUsage };
  /** Micro-USD that it may cost; checked by the program itself, after the fact. Default: none. */
  budgetMicroUsd?: number;
  maxTurns?: number;
  /** Wall clock for the whole run: then it is asked to end, and two seconds later ended. */
  timeoutMs: number;
  signal?: AbortSignal;
}

export interface CliUsage extends Tokens {
  /** As the program says; null when it does not know. */
  costMicroUsd: number | null;
}

export const NO_USAGE: CliUsage = { inputTokens: 0, cachedInputTokens: 0, outputTokens: 0, costMicroUsd: null };

/**
 * not_installed: there is no such program. too_old: it does not know an argument of ours. missing_api_key: no credential, nothing was sent. unauthorized, rate_limited, overloaded,
 * unreachable, bad_request: what the model's server said. budget, turns: its own limits. timeout, cancelled: ours. denied: it was not
 * allowed something it wanted. protocol: what it printed is not what such a program prints. failed: everything else.
 */
export type CliFailure =
  | 'not_installed'
  | 'too_old'
  | 'missing_api_key'
  | 'unauthorized'
  | 'rate_limited'
  | 'overloaded'
  | 'unreachable'
  | 'bad_request'
  | 'budget'
  | 'turns'
  | 'timeout'
  | 'cancelled'
  | 'denied'
  | 'protocol'
  | 'failed';

/** `usage` is of this run alone, also where the program counts the whole session. */
export type CliOutcome =
  | { ok: true; text: string; sessionId: string | null; usage: CliUsage; turns: number; wallMs: number }
  | { ok: false; failure: CliFailure; message: string; sessionId: string | null; usage: CliUsage; turns: number; wallMs: number };

export type CliEvent =
  | { type: 'started'; sessionId: string; model: string | null }
  | { type: 'text'; delta: string }
  | { type: 'tool'; name: string; detail: string }
  /** As the program says; what really changed is seen in the folder. */
  | { type: 'file'; path: string }
  | { type: 'retry'; attempt: number; status: number | null; delayMs: number }
  | { type: 'usage'; usage: CliUsage }
  /** The last one, always there. */
  | { type: 'ended'; outcome: CliOutcome };

export interface CodingCli {
  readonly name: 'claude-code' | 'codex';
  /** Never throws: how it went is in its last event. Leaving the loop early ends the program. */
  run(request: CliRequest): AsyncGenerator<CliEvent, void, void>;
}
