// A version inside its host: one entry into its isolate at a time, in the order of arrival, so that what an entry uses up can be
// charged to the call it belongs to. An isolate that was ended for one call is made anew for the next.
import { CODE_CHANGE_CALL, type LoadRequest } from '../call.ts';
import type { BlackBoxWriter } from '../black-box.ts';
import { entering, entryValues, startOf, type Entry } from './entry.ts';
import type { GuestContext, GuestIsolates } from './guest-isolates.ts';
import { errorJson, HostedCall, type CallMessage, type CallOwner, type FailureReport } from './hosted-call.ts';
import type { HostOutput } from './host-output.ts';
import type { LiveIsolate, Payer } from './live-isolate.ts';
import { isTimeout, LoadFailure, loadIsolate } from './load-isolate.ts';
import { threadCpuUs } from './thread-cpu.ts';
import type { LimitFailure, Meter, Watchdog } from './watchdog.ts';

/** The synchronous path stops the host's loop for no longer than this. */
const SYNC_CAP_MS = 25;
/** What a kernel counts processor time in, at most. */
const TICK_MS = 5;
/** After so much synchronous work the loop gets its turn. */
const TURN_MS = 10;
const UNLOADED: FailureReport = { failure: 'host_lost', suspects: 0, errorJson: errorJson('the version was unloaded') };

export interface VersionOptions {
  request: LoadRequest;
  isolates: GuestIsolates;
  watchdog: Watchdog;
  blackBox: BlackBoxWriter;
  output: HostOutput;
  slots: number[];
  /** All calls of the host by number; this version adds and removes its own. */
  calls: Map<number, HostedCall>;
}

export class HostedVersion implements CallOwner {
  readonly #options: VersionOptions;
  readonly #calls = new Set<HostedCall>();
  #live: LiveIsolate | null = null;
  #busy = false;
  #queue: Entry[] = [];
  #closed = false;

  constructor(options: VersionOptions) {
    this.#options = options;
  }

  /** @returns what the module offers, as JSON. @throws LoadFailure */
  async load(call: number): Promise<string> {
    this.#busy = true;
    try {
      return (await this.#makeLive(call)).exportsJson;
    } catch (error) {
      // Calls may have been sent after it: the next one would only try again.
      this.close();
      throw error;
    } finally {
      this.#yield(this.#live);
    }
  }

  /** Calls that are still here have lost their isolate through no fault of theirs. */
  close(): void {
    this.#closed = true;
    this.#abandon(null, 'the version was unloaded');
    for (const { call } of this.#queue) if (!call.settled) this.#end(call, UNLOADED);
    this.#queue = [];
  }

  get hasMore(): boolean {
    return this.#queue.length > 0;
  }

  start(message: CallMessage): void {
    const { limits } = this.#options.request;
    const outputBytes = message.exportName === CODE_CHANGE_CALL ? limits.stateBytes : limits.outputBytes;
    const call = new HostedCall(message, { owner: this, meter: this.#newMeter(), output: this.#options.output, outputBytes });
    call.onDeadline = () => this.#waitedTooLong(call);
    this.#calls.add(call);
    this.#options.calls.set(call.seq, call);
    this.#enqueue({ kind: 'start', call });
  }

  deliver(call: HostedCall, result: { request: number; timeMs: number; ok: boolean; json: string }): void {
    call.open -= 1;
    this.#enqueue({ kind: 'deliver', call, ...result });
  }

  grant(call: HostedCall, room: { chunks: number; chars: number }): void {
    this.#enqueue({ kind: 'grant', call, ...room });
  }

  leave(call: HostedCall): void {
    this.#enqueue({ kind: 'leave', call });
  }

  /** The parent has settled it. Code that runs for it right now goes on until its limits. */
  cancel(call: HostedCall): void {
    call.settled = true;
    this.#forget(call);
  }

  #newMeter(): Meter {
    const { cpuMs, deadlineMs } = this.#options.request.limits;
    return { cpuUs: 0, wallUs: 0, cpuLimitUs: cpuMs * 1000, wallLimitUs: deadlineMs * 1000 };
  }

  #enqueue(entry: Entry): void {
    entry.call.queued += 1;
    this.#options.watchdog.stopWaiting(entry.call);
    this.#queue.push(entry);
    this.#pump();
  }

  #pump(): void {
    const startedMs = performance.now();
    while (!this.#busy && !this.#closed) {
      // By its memory limit, in an entry that was nobody's.
      if (this.#live?.gone) this.#abandon(null, 'the isolate hit its memory limit');
      const entry = this.#queue.shift();
      if (entry === undefined) return;
      const { call } = entry;
      call.queued -= 1;
      if (call.settled && entry.kind !== 'forget') continue;
      if (entry.kind !== 'start' && (this.#live === null || call.context === null)) continue;
      const mayRunSync = call.path === 'sync' && !call.hadEffects && entry.kind !== 'forget';
      if (mayRunSync && this.#live !== null && this.#runSync(entry, this.#live)) {
        if (performance.now() - startedMs < TURN_MS) continue;
        setImmediate(() => this.#resume());
        return;
      }
      this.#busy = true;
      this.#runAsync(entry);
    }
  }

  /** From elsewhere than a line of the parent's, after which the host clears the black box itself. */
  #resume(): void {
    this.#pump();
    this.#options.blackBox.leaveMainThread();
  }

  /** False when it has to take the asynchronous path. */
  #runSync(entry: Entry, live: LiveIsolate): boolean {
    const { request, blackBox } = this.#options;
    const { call } = entry;
    const { meter } = call;
    const leftMs = Math.max(1, Math.ceil((meter.cpuLimitUs - meter.cpuUs) / 1000));
    const timeoutMs = Math.min(SYNC_CAP_MS, leftMs);
    const startedMs = performance.now();
    const startedCpuUs = threadCpuUs();
    blackBox.enterMainThread(call.seq);
    let records = '';
    let failure: unknown;
    try {
      call.context ??= live.contextFor(call.message.keyJson);
      if (call.context === null && request.isolation === 'key') return false;
      call.context ??= live.makeContextSync({ start: startOf(call), timeoutMs });
      entering(entry);
      records = live.enterSync(call.context, { values: entryValues(entry), timeoutMs });
    } catch (error) {
      failure = error;
    }
    const wallMs = performance.now() - startedMs;
    meter.wallUs += wallMs * 1000;
    // A short time is one the machine's own clock counts in its ticks: nothing, or a whole one.
    meter.cpuUs += wallMs < TICK_MS ? wallMs * 1000 : Math.min(wallMs * 1000, threadCpuUs() - startedCpuUs);
    if (failure === undefined) this.#take(call, { live, records });
    else if (live.gone) this.#endByLimit(call, { live, failure: 'memory_limit' });
    else if (wallMs >= timeoutMs - 1 && isTimeout(failure)) {
      if (timeoutMs === leftMs) this.#endByLimit(call, { live, failure: 'cpu_limit' });
      else this.#restart(call);
    } else if (call.context === null) this.#end(call, { failure: 'threw', suspects: 1, errorJson: errorJson(failure) });
    else this.#collect(call, { live, context: call.context, failure });
    return true;
  }

  /** Too slow for the synchronous path. What it asked for until now leaves nothing behind, so that it can begin again. */
  #restart(call: HostedCall): void {
    const isNew = !call.hasSpoken;
    this.#abandon(call, 'a call on the same isolate was too slow for the synchronous path');
    Object.assign(call, { path: 'async', context: null });
    if (isNew) {
      Object.assign(call.meter, { cpuUs: 0, wallUs: 0 });
      this.#queue.unshift({ kind: 'start', call });
      call.queued += 1;
    } else {
      const error = errorJson('the call was too slow for the synchronous path; it had no effect and can be run again');
      this.#end(call, { failure: 'host_lost', suspects: 0, errorJson: error });
    }
  }

  #runAsync(entry: Entry): void {
    const { call } = entry;
    const live = this.#live;
    if (live !== null) call.context ??= live.contextFor(call.message.keyJson);
    if (live !== null && call.context !== null) this.#enter(entry, { live, context: call.context });
    else void this.#prepare(entry);
  }

  /** What a call's first entry may need: an isolate, a context. */
  async #prepare(entry: Entry): Promise<void> {
    const { call } = entry;
    let live = this.#live;
    try {
      live ??= await this.#makeLive(call.seq);
      if (this.#closed) throw new LoadFailure(UNLOADED);
      if (!call.settled) {
        call.context ??= live.contextFor(call.message.keyJson);
        call.context ??= await live.makeContext(call.message.keyJson, {
          payer: this.#payerOf(entry, live),
          start: startOf(call),
          inUse: (context) => [...this.#calls].some((other) => other.context === context),
        });
        return this.#enter(entry, { live, context: call.context });
      }
    } catch (error) {
      this.#entryFailed(call, { live, error });
    }
    this.#yield(live);
  }

  #enter(entry: Entry, options: { live: LiveIsolate; context: GuestContext }): void {
    const { call } = entry;
    const { live, context } = options;
    const payer = this.#payerOf(entry, live);
    entering(entry);
    const entered = (records: string): void => {
      if (!live.disposed) this.#take(call, { live, records });
      if (entry.kind === 'forget' && !live.gone) live.release(context);
      this.#yield(live);
    };
    const failed = (error: unknown): void => {
      this.#entryFailed(call, { live, error });
      this.#yield(live);
    };
    live.enter(context, { payer, values: entryValues(entry) }).then(entered, (error: unknown) => {
      if (live.gone || live.disposed) return failed(error);
      // The runtime catches everything: somebody rejected a promise and nobody cared.
      call.note(error instanceof Error ? error.message : String(error));
      return live.enter(context, { payer, values: ['collect'] }).then(entered, failed);
    });
  }

  /** Where the isolate was ended meanwhile, the next one has already been given its own turn. */
  #yield(live: LiveIsolate | null): void {
    if (live !== null && this.#live !== live) return;
    this.#busy = false;
    this.#resume();
    if (!this.#busy) this.#live?.leave();
  }

  #payerOf(entry: Entry, live: LiveIsolate): Payer {
    const { call } = entry;
    // A call that is over has used up what it had.
    const meter = entry.kind === 'forget' ? this.#newMeter() : call.meter;
    return { call: call.seq, meter, onLimit: (failure) => this.#endByLimit(call, { live, failure }) };
  }

  #entryFailed(call: HostedCall, options: { live: LiveIsolate | null; error: unknown }): void {
    const { live, error } = options;
    if (error instanceof LoadFailure) this.#end(call, error.report);
    // Ended by a limit, which has said all there is to say.
    else if (live?.disposed) return;
    else if (live?.gone) this.#endByLimit(call, { live, failure: 'memory_limit' });
    else this.#end(call, { failure: 'threw', suspects: 1, errorJson: errorJson(error) });
  }

  async #makeLive(callSeq: number): Promise<LiveIsolate> {
    const live = await loadIsolate(this.#options, callSeq);
    if (this.#closed) {
      live.dispose();
      throw new LoadFailure(UNLOADED);
    }
    this.#live = live;
    return live;
  }

  /** As in `#enter`, after a rejection nobody handled. */
  #collect(call: HostedCall, options: { live: LiveIsolate; context: GuestContext; failure: unknown }): void {
    const { live, context, failure } = options;
    call.note(failure instanceof Error ? failure.message : String(failure));
    try {
      this.#take(call, { live, records: live.enterSync(context, { values: ['collect'], timeoutMs: SYNC_CAP_MS }) });
    } catch {
      this.#endByLimit(call, { live, failure: live.gone ? 'memory_limit' : 'cpu_limit' });
    }
  }

  /** Passes on what an entry had to say. Lines are only believed about this version's own calls. */
  #take(call: HostedCall, options: { live: LiveIsolate; records: string }): void {
    const { live, records } = options;
    for (let from = 0; from < records.length;) {
      const end = records.indexOf('\n', from);
      if (end < 0) break;
      const [kind, seq, third = '', fourth = '', fifth = ''] = records.slice(from, end).split('\t');
      from = end + 1;
      const subject = seq === String(call.seq) ? call : this.#options.calls.get(Number(seq));
      if (subject === undefined || subject.settled || !this.#calls.has(subject)) continue;
      if (kind === 'done') subject.finish(third, fourth);
      else if (kind === 'stream') subject.beginStream();
      else if (kind === 'chunk') {
        subject.chunk(third);
        // Ended by its bytes, of which the isolate knows nothing.
        if (subject.settled) this.#forget(subject);
      } else if (kind === 'end') subject.finishStream(third);
      else if (kind === 'failed') subject.fail({ failure: third as 'threw', suspects: 1, errorJson: fourth }, fifth);
      else if (kind === 'request' || kind === 'notify') subject.request(kind, { seq: third, name: fourth, argsJson: fifth });
      if (subject.settled) this.#remove(subject, live);
      else if (subject !== call) this.#rest(subject);
    }
    if (call.settled) return;
    if (call.message.stepwise) call.step();
    this.#rest(call);
  }

  /** Between two entries: a call that has asked for something waits at our expense, one that has not at its own. */
  #rest(call: HostedCall): void {
    if (call.open === 0 && call.queued === 0 && call.stream?.isHeld !== true) this.#options.watchdog.wait(call);
    else this.#options.watchdog.stopWaiting(call);
  }

  #waitedTooLong(call: HostedCall): void {
    const message = `no answer after ${this.#options.request.limits.deadlineMs} ms, and nothing it asked for is missing`;
    this.#end(call, { failure: 'deadline', suspects: 1, errorJson: errorJson(message) });
    this.#forget(call);
  }

  #endByLimit(call: HostedCall, options: { live: LiveIsolate; failure: LimitFailure | 'memory_limit' }): void {
    const { cpuMs, deadlineMs, memoryMb } = this.#options.request.limits;
    const message = {
      cpu_limit: `more than ${cpuMs} ms of processor time`,
      deadline: `no answer after ${deadlineMs} ms`,
      memory_limit: `more than ${memoryMb} MB of memory`,
    }[options.failure];
    if (!call.settled) this.#end(call, { failure: options.failure, suspects: 1, errorJson: errorJson(message) });
    if (this.#live === options.live) this.#abandon(call, `another call on the same isolate hit its ${options.failure}`);
    else options.live.dispose();
  }

  /** Ends the isolate; calls that had begun in it are innocent, those that had not go on in the next. */
  #abandon(culprit: HostedCall | null, why: string): void {
    this.#live?.dispose();
    this.#live = null;
    for (const call of [...this.#calls]) {
      if (call === culprit || call.context === null) continue;
      this.#end(call, { failure: 'host_lost', suspects: 0, errorJson: errorJson(why) });
    }
    this.#busy = false;
    queueMicrotask(() => this.#resume());
  }

  #end(call: HostedCall, report: FailureReport): void {
    if (!call.settled) call.fail(report);
    this.#options.watchdog.stopWaiting(call);
    this.#calls.delete(call);
    this.#options.calls.delete(call.seq);
  }

  #remove(call: HostedCall, live: LiveIsolate): void {
    this.#options.watchdog.stopWaiting(call);
    this.#calls.delete(call);
    this.#options.calls.delete(call.seq);
    if (call.context !== null) live.release(call.context);
  }

  /** What the guest still holds of a call that is over. */
  #forget(call: HostedCall): void {
    this.#options.watchdog.stopWaiting(call);
    this.#calls.delete(call);
    this.#options.calls.delete(call.seq);
    if (call.context !== null && this.#live !== null) this.#enqueue({ kind: 'forget', call });
  }
}
