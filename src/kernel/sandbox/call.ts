// What goes into a sandbox host and what comes out: the words that runtime, improvement and host share.
import type { CallLimits, CapabilityName, ContractData } from '../compiler/contract.ts';
import type { Journal, JournalChunks, JournalRequest } from './journal.ts';

/** A version to be made callable in a host. */
export interface LoadRequest {
  hash: string;
  /** Name of the agent, for ctx.agent. */
  agent: string;
  js: string;
  limits: CallLimits;
  isolation: ContractData['isolation'];
  capabilities: readonly CapabilityName[];
}

/** JSON text of one chunk of a stream; `outputBytes` is what the whole stream may have. */
export const MAX_CHUNK_BYTES = 262_144;

/** What a loaded module offers: functions of its default export (what calls can name), and functions it exports by name. */
export interface LoadedExports {
  calls: readonly string[];
  functions: readonly string[];
}

/**
 * Export name of a call of the module's own `codeChange` instead of a handler: its input is `[state, change]`, it has no ctx, its clock
 * and generator stand still, and its output is held to `stateBytes`. No contract can name it.
 */
export const CODE_CHANGE_CALL = ':codeChange';

/** The synchronous path stops the host's loop while the call runs: only for versions proven to be fast. */
export type CallPath = 'sync' | 'async';

export interface CallRequest {
  /** Call id, for logs. */
  id: string;
  hash: string;
  exportName: string;
  /** JSON text, already checked against the contract. */
  inputJson: string;
  /** Instance key; null for a stateless call. */
  key: string | null;
  /** ms since the epoch: the clock of the call. */
  timeMs: number;
  seed: number;
  path: CallPath;
  /** JSON: what ctx.principal shows. */
  principalJson: string;
  /**
   * Serves a capability. Resolves to JSON text; a rejection becomes an error inside the isolate. `state.set` is only told: its
   * result is not delivered, but the outcome waits for it, and its rejection ends the call.
   */
  onRequest: (name: string, args: unknown, seq: number) => Promise<string>;
  /**
   * Whether this request is answered only after the call has left its host. When the call has nothing else to wait for it is ended
   * with `parked`: its journal says what it waits for, and it goes on from there by replay. Default: none is.
   */
  parks?: (request: JournalRequest) => boolean;
  signal?: AbortSignal;
  /** What to do with the chunks of a handler that is an async generator. Default: they are collected into the outcome's output. */
  stream?: StreamReader;
}

/** Whoever reads the chunks of a call, if it turns out to have any. */
export interface StreamReader {
  /** The handler gave an async generator, and nothing of it has run yet. The signal ends it, as `CallRequest.signal` does; what is thrown ends it too. */
  begin(): AbortSignal | undefined;
  /** JSON text. There is room for another when the promise settles; a rejection ends the call with its error. */
  chunk(json: string): Promise<void> | undefined;
}

/** A call that goes through its recorded journal first: what was answered then is answered the same, in the same order. */
export interface ReplayRequest extends CallRequest {
  journal: Journal;
}

/** The first place where a replayed call did something else than its record says. */
export interface Divergence {
  /** Index into the journal's entries. */
  index: number;
  /** What the record has there; null: it ends before. */
  recorded: JournalRequest | JournalChunks | null;
  /** What the call asked for; null: nothing more. */
  seen: JournalRequest | JournalChunks | null;
}

export interface ReplayOutcome {
  divergence: Divergence | null;
  /** How the call went; when it diverged, it was ended there (`cancelled`). */
  outcome: CallOutcome;
}

export interface CallLog {
  level: 'debug' | 'info' | 'warn' | 'error';
  message: string;
  fields?: Record<string, unknown>;
}

/**
 * threw: the agent's code threw. unserialisable: its answer is not JSON. cpu_limit, deadline, memory_limit,
 * output_limit: its own limits. cancelled: the caller went away. host_lost: the process around it died. parked: no failure, it has
 * left its host until what it waits for is there.
 */
export type CallFailure =
  | 'threw'
  | 'unserialisable'
  | 'cpu_limit'
  | 'deadline'
  | 'memory_limit'
  | 'output_limit'
  | 'cancelled'
  | 'host_lost'
  | 'parked';

export interface CallStats {
  /** Processor time inside the isolate, microseconds. */
  cpuUs: number;
  /** Wall clock in the host, microseconds, without waiting for capabilities. */
  wallUs: number;
}

/** Requests that leave nothing behind unless their call ends well: one that made only these may be run again. */
export const REQUESTS_WITHOUT_EFFECT: ReadonlySet<string> = new Set(['state.get', 'state.set', 'sleep', 'ask']);

export type CallOutcome =
  | {
      ok: true;
      /** Of a stream: the list of its chunks, or '' where a reader had them. */
      outputJson: string;
      /** The handler gave an async generator. */
      streamed: boolean;
      journal: Journal;
      logs: readonly CallLog[];
      stats: CallStats;
      path: CallPath;
    }
  | {
      ok: false;
      failure: CallFailure;
      error: { name: string; message: string; /** Positions in the built script. */ stack?: string; code?: string };
      /** Whether this call, and no other, was running when its host died or its isolate was ended: never to be retried. */
      suspect: boolean;
      /**
       * How many calls were running then, this one among them: 1 is a suspect; 0 was only near, and may be retried at once; more
       * than one may each have been it, and are only to be retried one at a time.
       */
      suspects: number;
      /** Whether a capability with effects was already served: then it is never run again. */
      hadRequests: boolean;
      journal: Journal;
      logs: readonly CallLog[];
      stats: CallStats;
      path: CallPath;
    };

export type SampleSet = 'selection' | 'validation' | 'test';

/** A task that is only reported, by its name in the evaluation. */
export type ReportedSet = `reported:${string}`;

/** Scores one built candidate on samples drawn from seeds. Runs in an evaluator host. */
export interface EvaluateRequest {
  /** What the contract is called: `ctx.agent`. */
  agent: string;
  candidateJs: string;
  evaluationJs: string;
  limits: CallLimits;
  capabilities: readonly CapabilityName[];
  set: SampleSet | ReportedSet;
  /** One sample a seed. */
  seeds: readonly number[];
  /**
   * inside: the evaluation's protected loop in the candidate's isolate (selection only; outside where it has none). outside: call by
   * call, fed from the evaluation's own isolate.
   */
  feed: 'inside' | 'outside';
  /** Fed from outside, ask the first sample again at the end, and refuse what answers it otherwise (`unrepeatable`). Default false. */
  repeat?: boolean;
  /** Stop as soon as the mean is certain to be worse than this score, whatever is left brings (needs the evaluation's bestPossible). */
  stopAt?: number;
  /** Stop as soon as the mean of the first n scores is worse than the n-th number here. Where there is none, it goes on. */
  paceAt?: readonly number[];
  /** What better means, for `stopAt` and `paceAt`. Default minimize. */
  direction?: 'minimize' | 'maximize';
  /** Wall clock for the whole request. */
  deadlineMs: number;
}

export type EvaluateOutcome =
  | {
      ok: true;
      scores: readonly number[];
      details: readonly unknown[];
      /** Some of the answers that were scored, drawn at random: whether they keep to the contract is for its holder to say. */
      answers: readonly { inputJson: string; outputJson: string; streamed: boolean }[];
      stopped: boolean;
      calls: number;
      cpuMs: number;
      wallMs: number;
      /** Names of the tasks that the evaluation has besides. */
      reported: readonly string[];
    }
  | {
      ok: false;
      failure: CallFailure | 'invalid_score' | 'evaluation_threw' | 'unrepeatable';
      message: string;
      /** The host ended before it could say how it went. */
      hostEnded?: true;
    };

/** A bundle that is run once for one of its exports, as JSON. */
export interface ScriptRequest {
  js: string;
  /** The export: a value, or a function that is called without arguments (its promise is awaited). */
  entry: string;
  deadlineMs: number;
  memoryMb: number;
}
