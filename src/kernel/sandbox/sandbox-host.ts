// A sandbox host as its parent holds it: one process, many isolates. Whatever becomes of the process, every call settles once.
import { SeedError } from '#lib/error.ts';
import type { ChildHandle, ProcessExit } from '#lib/process.ts';
import { osLayer } from './available-layers.ts';
import type {
  CallFailure,
  CallOutcome,
  CallRequest,
  EvaluateOutcome,
  EvaluateRequest,
  LoadedExports,
  LoadRequest,
  ReplayOutcome,
  ReplayRequest,
  ScriptRequest,
} from './call.ts';
import { Culprits } from './culprits.ts';
import { causeOf } from './host-end.ts';
import { callLine, readMessage } from './host-message.ts';
import { HostCgroup } from './host-cgroup.ts';
import { HostProcess } from './host-process.ts';
import { HostWatch, type KillReason } from './host-watch.ts';
import type { OsLayer } from './os-layer.ts';
import { PendingCall } from './pending-call.ts';
import { lostEvaluation, PendingWork } from './pending-work.ts';
import { ReplayScript } from './replay-script.ts';

const GRACE_MS = 300;
/** Longer than the host allows a module's top level. */
const LOAD_DEADLINE_MS = 6_000;

export interface SandboxHostOptions {
  /** ms since the epoch, for results of capabilities. Default Date.now. */
  now?: () => number;
  /** A host that has not answered by then is killed. Default 10000. */
  readyTimeoutMs?: number;
  /** What it runs lives for milliseconds, candidates and contracts: not worth V8's last optimiser, nor a core that a call wants. Default false. */
  shortLived?: boolean;
  /** What the operating system puts around it. Default: the best that the machine grants. */
  layer?: OsLayer;
}

export interface SandboxHostStats {
  pid: number;
  versions: number;
  /** Isolates in the host, as of its last answer. */
  isolates: number;
  /** Entries that were running then on threads of their own. */
  executing: number;
  /** Calls without an outcome. */
  calls: number;
  evaluations: number;
  rssBytes: number | null;
  /** How long it took to answer last time, ms. */
  heartbeatLagMs: number;
}

interface HostedVersion {
  index: number;
  request: LoadRequest;
  loading: Promise<LoadedExports>;
  progressMs: number;
}

export class SandboxHost implements AsyncDisposable {
  /** Settles when the process has ended and every call has been told. */
  readonly exited: Promise<ProcessExit>;
  readonly #options: SandboxHostOptions;
  readonly #process: HostProcess;
  readonly #watch: HostWatch;
  readonly #versions = new Map<string, HostedVersion>();
  readonly #calls = new Map<number, PendingCall>();
  readonly #work = new Map<number, PendingWork>();
  readonly #evaluations = new Map<string, number>();
  readonly #ready = Promise.withResolvers<void>();
  #cgroup: HostCgroup | null = null;
  #seq = 0;
  #pong = { isolates: 0, executing: 0 };
  #killReason: KillReason | 'closed' | null = null;
  readonly #culprits = new Culprits();
  #culprit: string | null = null;

  /** Starts the process and waits until it takes calls. @throws SeedError `unavailable` */
  static async start(options: SandboxHostOptions = {}): Promise<SandboxHost> {
    const host = new SandboxHost(options, options.layer ?? (await osLayer()));
    const { readyTimeoutMs = 10_000 } = options;
    const timer = setTimeout(() => host.kill(), readyTimeoutMs);
    try {
      await host.#ready.promise;
      return host;
    } catch {
      throw new SeedError(
        'unavailable',
        `a sandbox host did not become ready: ${host.lastWords.trim() || `nothing after ${readyTimeoutMs} ms`}`,
        {
          hint: 'is isolated-vm installed for this Node? (npm ci)',
        },
      );
    } finally {
      clearTimeout(timer);
    }
  }

  private constructor(options: SandboxHostOptions, layer: OsLayer) {
    this.#options = options;
    this.#process = new HostProcess((line) => this.#take(line), { shortLived: options.shortLived ?? false, layer });
    this.#watch = new HostWatch({
      ping: (number) => this.#process.send(`ping\t${number}\n`),
      heldUntilMs: () => this.#heldUntilMs(),
      isOverdue: (nowMs) => this.#isOverdue(nowMs),
      kill: (reason) => this.#kill(reason),
    });
    this.exited = this.#end();
  }

  /** For supervision: the promise of its end, and how it is ended with all that is around it. */
  get process(): ChildHandle {
    return this.#process.handle;
  }

  /** Of the process that runs the isolates. */
  get pid(): number {
    return this.#process.handle.pid;
  }

  /** What the process wrote to its standard error before it ended, if anything: V8's own words. */
  get lastWords(): string {
    return this.#process.lastWords;
  }

  /** Makes a version callable. The same hash again answers at once. @throws SeedError `agent_error`, `cpu_limit`, `memory_limit`, `unavailable` */
  load(request: LoadRequest): Promise<LoadedExports> {
    const known = this.#versions.get(request.hash);
    if (known !== undefined) return known.loading;
    const index = this.#nextSeq();
    this.#watch.memory.allow(request.limits.memoryMb);
    const loading = this.#begin(
      index,
      { what: `version ${request.hash}`, deadlineMs: LOAD_DEADLINE_MS, inTurn: false },
      `load\t${index}\t${index}\t${JSON.stringify(request)}\n`,
    ).then((json) => JSON.parse(json) as LoadedExports);
    this.#versions.set(request.hash, { index, request, loading, progressMs: performance.now() });
    loading.catch(() => this.#versions.delete(request.hash));
    return loading;
  }

  /** Ends the version's isolate. Calls that are still in it end with `host_lost`, innocent. */
  async unload(hash: string): Promise<void> {
    const version = this.#versions.get(hash);
    if (version === undefined) return;
    this.#versions.delete(hash);
    this.#send(`unload\t${version.index}\n`);
  }

  /** Never rejects: how the call went is in its outcome. */
  call(request: CallRequest): Promise<CallOutcome> {
    return this.#call(request).outcome;
  }

  /** Runs a call from its journal; when the record is used up it goes on alive, with `onRequest`. What it had told by then is not told again. */
  async replay(request: ReplayRequest): Promise<ReplayOutcome> {
    const call = this.#call(request, new ReplayScript(request.journal));
    return { outcome: await call.outcome, divergence: call.divergence };
  }

  /** One after the other in the order they are asked for. Never rejects. */
  async evaluate(request: EvaluateRequest, signal?: AbortSignal): Promise<EvaluateOutcome> {
    if (signal?.aborted) return { ok: false, failure: 'cancelled', message: 'the evaluation was cancelled' };
    const { evaluationJs, ...message } = request;
    const id = this.#nextSeq();
    this.#watch.memory.allow(request.limits.memoryMb);
    const cancel = (): void => this.#send(`cancel\t${id}\n`);
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      const line = `evaluate\t${id}\t${this.#evaluationNumber(evaluationJs)}\t${JSON.stringify(message)}\n`;
      return JSON.parse(
        await this.#begin(id, { what: 'a candidate', deadlineMs: request.deadlineMs, inTurn: true }, line),
      ) as EvaluateOutcome;
    } catch (error) {
      return lostEvaluation(error as SeedError);
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  /** Keeps a host busy: all are sent at once. Outcomes in the order of the requests. */
  evaluateMany(requests: readonly EvaluateRequest[], signal?: AbortSignal): Promise<EvaluateOutcome[]> {
    return Promise.all(requests.map((request) => this.evaluate(request, signal)));
  }

  /** Runs a bundle in an isolate of its own and gives one of its exports as JSON text. @throws SeedError `agent_error`, `cpu_limit`, `deadline`, `memory_limit`, `unavailable` */
  evaluateScript(request: ScriptRequest): Promise<string> {
    const id = this.#nextSeq();
    this.#watch.memory.allow(request.memoryMb);
    return this.#begin(
      id,
      { what: request.entry, deadlineMs: request.deadlineMs + GRACE_MS, inTurn: false },
      `script\t${id}\t${JSON.stringify(request)}\n`,
    );
  }

  /** Why it ended, in the words of the metrics; `crashed` also while it runs. */
  get endedBy(): 'stopped' | 'crashed' | 'unresponsive' | 'memory' | 'cpu' {
    switch (this.#killReason) {
      case 'closed':
        return 'stopped';
      case 'overdue':
        return 'cpu';
      default:
        return this.#killReason ?? 'crashed';
    }
  }

  /** After its end: hash of the version that caused it. Null: nobody's fault, or it can not be told. */
  get culprit(): string | null {
    return this.#culprit;
  }

  stats(): SandboxHostStats {
    return {
      pid: this.pid,
      versions: this.#versions.size,
      isolates: this.#pong.isolates,
      executing: this.#pong.executing,
      calls: this.#calls.size,
      evaluations: this.#evaluationsInTurn().length,
      rssBytes: this.#process.isEnded ? null : this.#watch.rssBytes,
      heartbeatLagMs: this.#watch.lagMs,
    };
  }

  /** Ends the process; calls that are still in it end with `host_lost`, innocent. */
  async close(): Promise<void> {
    this.#killReason ??= 'closed';
    this.process.kill('SIGKILL');
    await this.exited;
  }

  /** At once. Calls that were running are suspects, as after any other end. */
  kill(): void {
    this.process.kill('SIGKILL');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #call(request: CallRequest, replay?: ReplayScript): PendingCall {
    const call = new PendingCall({
      seq: this.#nextSeq(),
      request,
      now: this.#options.now ?? Date.now,
      limits: this.#versions.get(request.hash)?.request.limits ?? { idleMs: 0 },
      tell: (line) => this.#send(line),
      onSettled: ({ seq }, outcome) => {
        this.#calls.delete(seq);
        if (!outcome.ok && outcome.suspect) this.#culprits.remember(seq, request.hash);
      },
      ...(replay === undefined ? {} : { replay }),
    });
    const version = this.#versions.get(request.hash);
    const refused = request.signal?.aborted
      ? { failure: 'cancelled' as const, message: 'the caller has gone' }
      : this.#process.isEnded
        ? { failure: 'host_lost' as const, message: 'the sandbox host has ended' }
        : version === undefined
          ? { failure: 'host_lost' as const, message: `version ${request.hash} is not loaded in this host` }
          : null;
    if (refused !== null) {
      call.fail({ failure: refused.failure, error: { name: 'Error', message: refused.message }, suspects: 0 });
      return call;
    }
    if (version !== undefined && this.#calls.size === 0) version.progressMs = performance.now();
    this.#calls.set(call.seq, call);
    this.#send(callLine(call, { version: version?.index ?? 0, stepwise: replay !== undefined || request.parks !== undefined }));
    return call;
  }

  /** Work other than a call. @throws SeedError */
  #begin(id: number, options: { what: string; deadlineMs: number; inTurn: boolean }, line: string): Promise<string> {
    const work = new PendingWork(options);
    if (this.#process.isEnded) work.lost({ suspects: 0, how: 'the sandbox host has ended', failure: 'host_lost' });
    else {
      this.#work.set(id, work);
      this.#send(line);
    }
    return work.value;
  }

  #take(line: string): void {
    this.#watch.heard();
    const message = readMessage(line);
    // Only a host that is no longer itself can say this.
    if (message === null) return this.#kill('unresponsive');
    if (message.word === 'ready') {
      this.#process.becameReady();
      this.#cgroup = HostCgroup.around(this.pid);
      this.#watch.begin(this.pid);
      return this.#ready.resolve();
    }
    const call = this.#calls.get(message.id);
    switch (message.word) {
      case 'pong':
        this.#pong = message;
        return this.#watch.pong(message.id);
      case 'value':
        this.#work.get(message.id)?.done(message.json);
        return this.#finished(message.id);
      case 'refused':
        this.#work.get(message.id)?.refused(message);
        return this.#finished(message.id);
      default:
        call?.heard(message);
        return this.#progress(call);
    }
  }

  #progress(call: PendingCall | undefined): void {
    const version = call === undefined ? undefined : this.#versions.get(call.request.hash);
    if (version !== undefined) version.progressMs = performance.now();
  }

  #finished(id: number): void {
    const work = this.#work.get(id);
    this.#work.delete(id);
    // The next one has its turn now.
    if (work?.inTurn) this.#evaluationsInTurn()[0]?.beginTurn();
  }

  #evaluationsInTurn(): PendingWork[] {
    return [...this.#work.values()].filter(({ inTurn }) => inTurn);
  }

  /** The script is sent once, and again when the host may have forgotten it. */
  #evaluationNumber(js: string): number {
    const known = this.#evaluations.get(js);
    if (known !== undefined) return known;
    const number = this.#nextSeq();
    this.#evaluations.set(js, number);
    // The host keeps four.
    for (const oldest of [...this.#evaluations.keys()].slice(0, -4)) this.#evaluations.delete(oldest);
    this.#send(`evaluation\t${number}\t${JSON.stringify(js)}\n`);
    return number;
  }

  #nextSeq(): number {
    this.#seq += 1;
    return this.#seq;
  }

  #send(line: string): void {
    this.#watch.wake();
    this.#process.send(line);
  }

  #heldUntilMs(): number | null {
    const [evaluation] = this.#evaluationsInTurn();
    if (evaluation !== undefined) return evaluation.endsMs + GRACE_MS;
    if (this.#work.size > 0) return 0;
    for (const call of this.#calls.values()) if (!call.isWaiting) return 0;
    return null;
  }

  #isOverdue(nowMs: number): boolean {
    for (const work of this.#work.values()) if (!work.inTurn && nowMs > work.endsMs + GRACE_MS) return true;
    for (const call of this.#calls.values()) {
      const version = this.#versions.get(call.request.hash);
      if (call.isWaiting || version === undefined) continue;
      // Calls of a version run one at a time: as long as one of them gets on, the others only wait for their turn.
      const sinceMs = Math.max(call.touchedMs, version.progressMs);
      if (nowMs - sinceMs > version.request.limits.deadlineMs + GRACE_MS) return true;
    }
    return false;
  }

  #kill(reason: KillReason): void {
    this.#killReason ??= reason;
    this.process.kill('SIGKILL');
  }

  /** Of a call, or of a version that is being loaded. */
  #hashOf(number: number): string | undefined {
    const call = this.#calls.get(number);
    return call === undefined ? [...this.#versions.values()].find(({ index }) => index === number)?.request.hash : call.request.hash;
  }

  async #end(): Promise<ProcessExit> {
    const end = await this.#process.ended;
    this.#cgroup?.[Symbol.dispose]();
    this.#watch[Symbol.dispose]();
    const { failure, how, running, isBlamed } = causeOf(end, this.#killReason);
    if (isBlamed) this.#culprit = this.#culprits.versionOf(running, (number) => this.#hashOf(number));
    const suspectsOf = (number: number): number => (running.includes(number) ? running.length : 0);
    const failureOf = (suspects: number): CallFailure => (suspects === 1 ? failure : 'host_lost');
    for (const [number, call] of [...this.#calls]) {
      const suspects = suspectsOf(number);
      call.fail({ failure: failureOf(suspects), error: { name: 'Error', message: how }, suspects });
    }
    for (const [number, work] of this.#work) {
      const suspects = suspectsOf(number);
      work.lost({ suspects, how, failure: failureOf(suspects) });
    }
    this.#work.clear();
    this.#ready.promise.catch(() => {});
    this.#ready.reject(new Error(how));
    return end.exit;
  }
}
