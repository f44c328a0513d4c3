// A call on its way through a host, as the parent sees it: serves its requests, keeps its journal, and settles exactly once.
import { SeedError, toSeedError } from '#lib/error.ts';
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
import { cancelLine, deliverLine, grantLine, leaveLine, type HostMessage } from './host-message.ts';
import type { JournalChunks, JournalRequest } from './journal.ts';
import { JournalRecorder } from './journal-recorder.ts';
import { PendingStream } from './pending-stream.ts';
import type { ReplayScript } from './replay-script.ts';

export interface PendingCallOptions {
  seq: number;
  request: CallRequest;
  now: () => number;
  /** Of its version, for streams. */
  limits: { idleMs: number; streamMs?: number | undefined };
  /** A line to its host. */
  tell: (line: string) => void;
  /** Called once, before the outcome is out. */
  onSettled: (call: PendingCall, outcome: CallOutcome) => void;
  /** The record this call goes through first. */
  replay?: ReplayScript;
}

/** How long `finally` blocks of a stream may take whose reader has gone. */
const LEAVE_MS = 500;

/** What a host says of a call. */
export type CallMessage = Extract<HostMessage, { word: 'done' | 'failed' | 'request' | 'notify' | 'step' | 'stream' | 'chunk' }>;

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
  /** Of these, those that nobody answers while the call is in its host. */
  #parked: JournalRequest[] = [];
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
  #stream: PendingStream | null = null;
  /** Why a stream was told to return, until it has. */
  #leaving: { reason: Failed; timer: NodeJS.Timeout } | null = null;
  readonly #signals: AbortSignal[] = [];
  readonly #onAbort = (): void => {
    const why: unknown = this.#signals.find(({ aborted }) => aborted)?.reason;
    const message = why instanceof SeedError ? why.message : 'the caller has gone';
    const reason: Failed = { failure: 'cancelled', error: { name: 'Error', message }, suspects: 0 };
    if (this.#stream !== null) return this.#leave(reason);
    this.#options.tell(cancelLine(this.seq));
    this.fail(reason);
  };

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
    this.#listenTo(request.signal);
  }

  /** Its next step is ours, or its reader's: its host owes nothing. */
  get isWaiting(): boolean {
    return this.open > 0 || (this.#stream !== null && this.#leaving === null && this.#stream.isHeld);
  }

  /** What its host says of it. */
  heard(message: CallMessage): void {
    if (this.#settled) return;
    this.touchedMs = performance.now();
    this.#journal.delivered(message.delivered);
    switch (message.word) {
      case 'done':
        return this.#done(message);
      case 'failed':
        return this.#failed(message);
      case 'request':
      case 'notify':
        return this.#requested(message);
      case 'step':
        return this.#stepped();
      case 'stream':
        return this.#begun();
      case 'chunk':
        return this.#chunk(message.json);
    }
  }

  /** The isolate has asked for something, or told something. */
  #requested(message: Extract<CallMessage, { word: 'request' | 'notify' }>): void {
    const { word, request, name, argsJson } = message;
    this.#journal.request(request, { name, argsJson });
    const asked: JournalRequest = { seq: request, name, args: JSON.parse(argsJson) as unknown };
    const isRecorded = this.#replay?.saw(asked, { told: word === 'notify' }) ?? false;
    if (word === 'notify') {
      if (isRecorded) return;
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
  #stepped(): void {
    const step = this.#replay?.next();
    if (step?.kind === 'diverged') this.#diverge(step.divergence);
    else if (step?.kind === 'live') {
      this.#replay = null;
      for (const request of step.open) this.#ask(request);
      this.#stream?.goLive();
      this.#parkIfIdle();
    } else if (step?.kind === 'room') this.#stream?.grant(step.room);
    else if (step?.kind === 'left') {
      this.#leave({ failure: 'cancelled', error: { name: 'Error', message: 'the caller had gone' }, suspects: 0 });
    } else if (step?.kind === 'deliver') {
      const { result } = step;
      const [ok, value] = 'error' in result ? [false, result.error] : [true, result.value];
      this.#clockMs = result.time;
      this.#answer(result.seq, { ok, json: JSON.stringify(value) });
    } else if (step === undefined) this.#parkIfIdle();
  }

  /** Nothing can happen in its host any more: what it waits for comes later, and what it was given it has taken. */
  #parkIfIdle(): void {
    if (this.#parked.length === 0 || this.open > this.#parked.length || this.#journal.isOwing) return;
    this.#options.tell(cancelLine(this.seq));
    const park = (): void =>
      this.fail({ failure: 'parked', error: { name: 'Parked', message: 'the call waits for what comes later' }, suspects: 0 });
    Promise.all(this.#told).then(park, (error: unknown) => this.fail({ failure: 'threw', error: errorOf(error), suspects: 1 }));
  }

  /** Its handler gave an async generator. */
  #begun(): void {
    if (this.#stream !== null) return;
    const { request, limits } = this.#options;
    let signal: AbortSignal | undefined;
    try {
      signal = request.stream?.begin();
    } catch (error) {
      return this.#leave({ failure: 'threw', error: errorOf(error), suspects: 1 });
    }
    this.#stream = new PendingStream({
      reader: request.stream ?? null,
      limits,
      isReplayed: this.#replay !== null,
      grant: (room) => {
        this.touchedMs = performance.now();
        this.#options.tell(grantLine(this.seq, room));
      },
      onEnd: (reason) =>
        this.#leave(
          reason.failure === 'threw'
            ? { failure: 'threw', error: errorOf(reason.error), suspects: 1 }
            : {
                failure: reason.failure,
                error: { name: 'Error', message: reason.message },
                suspects: reason.failure === 'deadline' ? 1 : 0,
              },
        ),
    });
    this.#listenTo(signal);
    this.#refuseToPark();
  }

  /** What a stream has given out can not be given out again. */
  #refuseToPark(): void {
    for (const { seq, name } of this.#parked.splice(0)) {
      const message = `a stream can not wait for what ctx.${name} brings later: its reader is here now`;
      this.#answer(seq, { ok: false, json: errorJson(new SeedError('invalid_state', message)) });
    }
  }

  #chunk(json: string): void {
    this.#journal.chunk();
    this.#replay?.sawChunk();
    // What was on its way when the reader went.
    if (this.#leaving === null) this.#stream?.take(json);
  }

  /** Lets the generator end itself; its call ends for this reason, unless it now hits a limit of its own. */
  #leave(reason: Failed): void {
    if (this.#settled || this.#leaving !== null) return;
    const timer = setTimeout(() => {
      this.#options.tell(cancelLine(this.seq));
      this.fail(reason);
    }, LEAVE_MS);
    this.#leaving = { reason, timer };
    this.touchedMs = performance.now();
    this.#options.tell(leaveLine(this.seq));
  }

  #done(outcome: Extract<CallMessage, { word: 'done' }>): void {
    const { stats, path } = outcome;
    const logs = logsOf(outcome.logsJson);
    if (this.#leaving !== null) return this.fail({ ...this.#leaving.reason, stats, path, logs });
    const streamed = this.#stream !== null;
    const outputJson = this.#stream?.keptJson ?? outcome.outputJson;
    this.divergence = this.#replay?.end() ?? null;
    const journal = this.#journal;
    const ok = (): void =>
      this.#settle({
        ok: true,
        outputJson,
        streamed,
        logs,
        stats,
        path,
        get journal() {
          return journal.journal();
        },
      });
    if (this.#told.length === 0) return ok();
    Promise.all(this.#told).then(ok, (error: unknown) => {
      this.fail({ failure: 'threw', error: errorOf(error), suspects: 1, stats, path, logs });
    });
  }

  #failed(failed: Extract<CallMessage, { word: 'failed' }>): void {
    const logs = logsOf(failed.logsJson);
    const isItsOwn = failed.failure !== 'cancelled' && failed.failure !== 'threw' && failed.suspects === 1;
    if (this.#leaving === null || isItsOwn) return this.fail({ ...failed, logs });
    const { stats, path } = failed;
    this.fail({ ...this.#leaving.reason, stats, path, logs });
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
    if (this.request.parks?.(request) === true) {
      this.#parked.push(request);
      if (this.#stream !== null) this.#refuseToPark();
      return;
    }
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
    this.#options.tell(cancelLine(this.seq));
    const { index, recorded, seen } = divergence;
    const message = `the call left its record at entry ${index}: recorded ${nameOf(recorded)}, did ${nameOf(seen)}`;
    this.fail({ failure: 'cancelled', error: { name: 'ReplayDivergence', message, code: 'replay_diverged' }, suspects: 0 });
  }

  #answer(request: number, result: { ok: boolean; json: string }): void {
    if (this.#settled) return;
    this.open -= 1;
    this.touchedMs = performance.now();
    this.#journal.sent(request, { time: this.#clockMs, ...result });
    this.#options.tell(deliverLine(this.seq, { request, timeMs: this.#clockMs, ...result }));
  }

  #listenTo(signal: AbortSignal | undefined): void {
    if (signal === undefined) return;
    this.#signals.push(signal);
    if (signal.aborted) this.#onAbort();
    else signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  #settle(outcome: CallOutcome): void {
    this.#settled = true;
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#onAbort);
    this.#stream?.[Symbol.dispose]();
    if (this.#leaving !== null) clearTimeout(this.#leaving.timer);
    this.#options.onSettled(this, outcome);
    this.#resolve(outcome);
  }
}

function logsOf(json: string): readonly CallLog[] {
  return json === '[]' ? [] : (JSON.parse(json) as CallLog[]);
}

function nameOf(made: JournalRequest | JournalChunks | null): string {
  if (made === null) return 'nothing';
  return 'chunks' in made ? `${made.chunks} chunks` : `${made.name} (${made.seq})`;
}

function errorOf(error: unknown): Failed['error'] {
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  return { name, message, code: toSeedError(error).code };
}

/** What code in the isolate sees of an error of ours: no stack, no cause. */
function errorJson(error: unknown): string {
  const { name, message, code } = (error instanceof Error ? error : { name: 'Error', message: String(error) }) as Error & {
    code?: unknown;
  };
  return JSON.stringify({ name, message, ...(typeof code === 'string' ? { code } : {}) });
}
