// A call on its way through a host, as the parent sees it: serves its requests, keeps its journal, and settles exactly once.
import { toSeedError } from '#lib/error.ts';
import {
  REQUESTS_WITHOUT_EFFECT,
  type CallFailure,
  type CallLog,
  type CallOutcome,
  type CallPath,
  type CallRequest,
  type CallStats,
  type Divergence,
} from './call.ts';
import type { JournalRequest } from './journal.ts';
import { JournalRecorder } from './journal-recorder.ts';
import type { ReplayScript } from './replay-script.ts';

export interface PendingCallOptions {
  seq: number;
  request: CallRequest;
  now: () => number;
  /** Gives a result to the isolate. */
  deliver: (seq: number, result: { request: number; timeMs: number; ok: boolean; json: string }) => void;
  /** The caller has gone. */
  onCancel: (call: PendingCall) => void;
  /** Called once, before the outcome is out. */
  onSettled: (call: PendingCall) => void;
  /** The record this call goes through first. */
  replay?: ReplayScript;
}

export interface Failed {
  failure: CallFailure;
  error: { name: string; message: string; stack?: string; code?: string };
  suspects: number;
  stats?: CallStats;
  path?: CallPath;
  logs?: readonly CallLog[];
}

export class PendingCall {
  readonly seq: number;
  readonly request: CallRequest;
  readonly outcome: Promise<CallOutcome>;
  /** Requests that wait for their result. */
  open = 0;
  /** When the host was last heard of or told about it, performance.now(). */
  touchedMs = performance.now();
  /** Where it left its record, if it did. */
  divergence: Divergence | null = null;
  readonly #options: PendingCallOptions;
  readonly #journal: JournalRecorder;
  readonly #resolve: (outcome: CallOutcome) => void;
  #told: Promise<unknown>[] = [];
  #hadRequests = false;
  #clockMs: number;
  #settled = false;
  #replay: ReplayScript | null;
  #onAbort: (() => void) | undefined;

  constructor(options: PendingCallOptions) {
    const { seq, request } = options;
    const { promise, resolve } = Promise.withResolvers<CallOutcome>();
    this.seq = seq;
    this.request = request;
    this.outcome = promise;
    this.#options = options;
    this.#resolve = resolve;
    this.#clockMs = request.timeMs;
    this.#replay = options.replay ?? null;
    this.#journal = new JournalRecorder(request.timeMs, request.seed);
    if (request.signal !== undefined) {
      this.#onAbort = () => {
        options.onCancel(this);
        this.fail({ failure: 'cancelled', error: { name: 'Error', message: 'the caller has gone' }, suspects: 0 });
      };
      request.signal.addEventListener('abort', this.#onAbort, { once: true });
    }
  }

  /** The isolate has asked for something, or told something. */
  requested(message: { word: 'request' | 'notify'; request: number; name: string; delivered: string; argsJson: string }): void {
    if (this.#settled) return;
    const { word, request, name, argsJson } = message;
    this.touchedMs = performance.now();
    this.#journal.delivered(message.delivered);
    this.#journal.request(request, { name, argsJson });
    const asked: JournalRequest = { seq: request, name, args: JSON.parse(argsJson) as unknown };
    this.#replay?.saw(asked, { told: word === 'notify' });
    if (word === 'notify') {
      const told = this.#serve(asked);
      // Handled here too, so that a rejection is not an unhandled one while the call goes on.
      told.catch(() => {});
      this.#told.push(told);
      return;
    }
    this.open += 1;
    if (this.#replay === null) this.#ask(asked);
  }

  /** An entry has ended and the call goes on. */
  stepped(delivered: string): void {
    if (this.#settled) return;
    this.touchedMs = performance.now();
    this.#journal.delivered(delivered);
    const step = this.#replay?.next();
    if (step?.kind === 'diverged') this.#diverge(step.divergence);
    else if (step?.kind === 'live') {
      this.#replay = null;
      for (const request of step.open) this.#ask(request);
    } else if (step?.kind === 'deliver') {
      const { result } = step;
      const [ok, value] = 'error' in result ? [false, result.error] : [true, result.value];
      this.#clockMs = result.time;
      this.#answer(result.seq, { ok, json: JSON.stringify(value) });
    }
  }

  done(outcome: { stats: CallStats; path: CallPath; delivered: string; outputJson: string; logsJson: string }): void {
    if (this.#settled) return;
    const { stats, path, outputJson } = outcome;
    const logs = logsOf(outcome.logsJson);
    this.#journal.delivered(outcome.delivered);
    this.divergence = this.#replay?.end() ?? null;
    const journal = this.#journal;
    const ok = (): void =>
      this.#settle({
        ok: true,
        outputJson,
        logs,
        stats,
        path,
        get journal() {
          return journal.journal();
        },
      });
    if (this.#told.length === 0) return ok();
    Promise.all(this.#told).then(ok, (error: unknown) => {
      const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
      this.fail({ failure: 'threw', error: { name, message, code: toSeedError(error).code }, suspects: 1, stats, path, logs });
    });
  }

  failed(failed: Failed & { delivered: string; logsJson: string }): void {
    this.#journal.delivered(failed.delivered);
    this.fail({ ...failed, logs: logsOf(failed.logsJson) });
  }

  fail({ failure, error, suspects, stats = { cpuUs: 0, wallUs: 0 }, path = this.request.path, logs = [] }: Failed): void {
    if (this.#settled) return;
    const journal = this.#journal;
    const hadRequests = this.#hadRequests;
    this.#settle({
      ok: false,
      failure,
      error,
      suspect: suspects === 1,
      suspects,
      hadRequests,
      logs,
      stats,
      path,
      get journal() {
        return journal.journal();
      },
    });
  }

  async #serve({ name, args, seq }: JournalRequest): Promise<string> {
    this.#hadRequests ||= !REQUESTS_WITHOUT_EFFECT.has(name);
    return this.request.onRequest(name, args, seq);
  }

  #ask(request: JournalRequest): void {
    // A clock that was set back does not take the call with it.
    const now = (): void => {
      this.#clockMs = Math.max(this.#clockMs, this.#options.now());
    };
    this.#serve(request).then(
      (json) => {
        now();
        this.#answer(request.seq, { ok: true, json });
      },
      (error: unknown) => {
        now();
        this.#answer(request.seq, { ok: false, json: errorJson(error) });
      },
    );
  }

  #diverge(divergence: Divergence): void {
    this.divergence = divergence;
    this.#options.onCancel(this);
    const { index, recorded, seen } = divergence;
    const name = (request: JournalRequest | null): string => (request === null ? 'nothing' : `${request.name} (${request.seq})`);
    const message = `the call left its record at entry ${index}: recorded ${name(recorded)}, asked for ${name(seen)}`;
    this.fail({ failure: 'cancelled', error: { name: 'ReplayDivergence', message, code: 'replay_diverged' }, suspects: 0 });
  }

  #answer(request: number, result: { ok: boolean; json: string }): void {
    if (this.#settled) return;
    this.open -= 1;
    this.touchedMs = performance.now();
    this.#journal.sent(request, { time: this.#clockMs, ...result });
    this.#options.deliver(this.seq, { request, timeMs: this.#clockMs, ...result });
  }

  #settle(outcome: CallOutcome): void {
    this.#settled = true;
    if (this.#onAbort !== undefined) this.request.signal?.removeEventListener('abort', this.#onAbort);
    this.#options.onSettled(this);
    this.#resolve(outcome);
  }
}

function logsOf(json: string): readonly CallLog[] {
  return json === '[]' ? [] : (JSON.parse(json) as CallLog[]);
}

/** What code in the isolate sees of an error of ours: no stack, no cause. */
function errorJson(error: unknown): string {
  const { name, message, code } = (error instanceof Error ? error : { name: 'Error', message: String(error) }) as Error & {
    code?: unknown;
  };
  return JSON.stringify({ name, message, ...(typeof code === 'string' ? { code } : {}) });
}
