// Scores candidates, one after the other, on the host's own thread: a candidate in a fresh isolate, the evaluation in its own.
// Between two samples the loop gets its turn, so that the parent hears from the host.
import { createHash } from 'node:crypto';
import type ivm from 'isolated-vm';
import { MAX_CHUNK_BYTES, type CallFailure, type EvaluateOutcome, type EvaluateRequest } from '../call.ts';
import {
  AS_COPY,
  agentSource,
  createContext,
  releaseContext,
  textOf,
  type EntryResult,
  type GuestContext,
  type GuestIsolate,
  type GuestIsolates,
} from './guest-isolates.ts';
import { AnswerSample, type Answer } from './answers.ts';
import { callGuise, type CallGuise } from './call-guise.ts';
import { Examiner, type EvaluationInfo } from './examiner.ts';
import { renewals } from './renewals.ts';
import { threadCpuUs } from './thread-cpu.ts';

/** Evaluations that keep their isolate while others are asked for. */
const MAX_EXAMINERS = 4;
/** Chunks of a stream in one entry. */
const COLLECTED_AT_ONCE = 1_024;
/** For the evaluation to take an answer and ask the next thing, wall clock: it only ends what would not end. */
const NEXT_MS = 3_000;
/** Deadlines that would be the same; less than what the parent waits for a host after them. */
const SPREAD_MS = 250;
/** Of an answer, in a message. */
const SHOWN_CHARS = 200;

export type EvaluationMessage = Omit<EvaluateRequest, 'candidateJs' | 'evaluationJs'> & { candidateJs: string };

type Failure = CallFailure | 'invalid_score' | 'evaluation_threw' | 'unrepeatable';

/** Is shown each call of a session and its answer; `renews` says before which calls the candidate begins anew. */
interface Onlooker {
  answered(call: number, answer: Answer): void;
  renews?(call: number): boolean;
}

class Failed extends Error {
  readonly failure: Failure;

  constructor(failure: Failure, message: string) {
    super(message);
    this.failure = failure;
  }
}

export class Evaluator {
  readonly #isolates: GuestIsolates;
  readonly #examiners = new Map<number, Examiner>();

  constructor(isolates: GuestIsolates) {
    this.#isolates = isolates;
  }

  /** The parent names an evaluation by a number and sends its script once. */
  learn(evaluation: number, js: string): void {
    this.#examiners.get(evaluation)?.retire();
    this.#examiners.set(evaluation, new Examiner(js, this.#isolates));
    for (const [oldest, examiner] of this.#examiners) {
      if (this.#examiners.size <= MAX_EXAMINERS) break;
      examiner.retire();
      this.#examiners.delete(oldest);
    }
  }

  /** Undefined when the evaluation is not known. To be released after the candidate was scored. */
  reserve(evaluation: number): Examiner | undefined {
    const examiner = this.#examiners.get(evaluation);
    examiner?.reserve();
    return examiner;
  }

  async evaluate(examiner: Examiner, options: { message: EvaluationMessage; cancelled: () => boolean }): Promise<EvaluateOutcome> {
    const candidate = this.#isolates.create(options.message.limits.memoryMb);
    const exam = new Exam(options.message, { examiner, candidate });
    try {
      return await exam.run(options.cancelled);
    } catch (error) {
      if (error instanceof Failed) return { ok: false, failure: error.failure, message: error.message };
      return { ok: false, failure: 'evaluation_threw', message: error instanceof Error ? error.message : String(error) };
    } finally {
      exam.end();
      this.#isolates.dispose(candidate.isolate);
      examiner.release();
    }
  }
}

class Exam {
  readonly #message: EvaluationMessage;
  readonly #examiner: Examiner;
  readonly #candidate: GuestIsolate;
  readonly #startedMs = performance.now();
  readonly #options = { ...AS_COPY, timeout: 1 };
  readonly #nowMs = Date.now();
  #isInside = false;
  #script!: ivm.Script;
  #subject!: GuestContext;
  #questioner: { context: GuestContext; cpuNs: () => bigint } | null = null;
  #questionerCpuNs = 0n;
  #calls = 0;

  constructor(message: EvaluationMessage, options: { examiner: Examiner; candidate: GuestIsolate }) {
    this.#message = message;
    this.#examiner = options.examiner;
    this.#candidate = options.candidate;
  }

  async run(cancelled: () => boolean): Promise<EvaluateOutcome> {
    const { seeds, set } = this.#message;
    const info = this.#begin();
    const scores: number[] = [];
    const details: unknown[] = [];
    const answers: Answer[] = [];
    const first: Answer[] = [];
    let sum = 0;
    let stopped = false;
    for (const [index, seed] of seeds.entries()) {
      this.#beginSample(cancelled);
      const kept = new AnswerSample(seed);
      const onlooker: Onlooker = {
        answered: (_call, answer) => {
          kept.add(answer);
          if (index === 0) first.push(brief(answer));
        },
      };
      const { score, detail } = this.#isInside ? this.#inside(set, seed) : this.#session({ set, seed, onlooker });
      answers.push(...kept.kept);
      scores.push(score);
      details.push(detail);
      sum += score;
      stopped = this.#isHopeless({ sum, taken: scores.length, best: info.bestPossible });
      if (stopped) break;
      await loopTurn();
    }
    if (this.#message.repeat === true && !this.#isInside && !stopped) await this.#repeat(first, cancelled);
    const { reported } = info;
    const wallMs = performance.now() - this.#startedMs;
    return { ok: true, scores, details, answers, stopped, calls: this.#calls, cpuMs: this.#cpuMs(), wallMs, reported };
  }

  #beginSample(cancelled: () => boolean): void {
    if (cancelled()) throw new Failed('cancelled', 'the evaluation was cancelled');
  }

  end(): void {
    if (this.#questioner !== null) this.#examiner.end(this.#questioner.context);
  }

  #begin(): EvaluationInfo {
    const message = this.#message;
    this.#subject = createContext(this.#candidate);
    const info = this.#asEvaluation(() => this.#beginEvaluation());
    this.#asCandidate(() => {
      this.#script = this.#candidate.isolate.compileScriptSync(agentSource(message.candidateJs), { filename: 'agent.js' });
      this.#load();
    });
    return info;
  }

  /** The candidate's module, in a context where nothing of it has run. */
  #load(): void {
    const { agent, limits, capabilities } = this.#message;
    const settings = JSON.stringify({ agent, capabilities, limits: { ...limits, chunkBytes: MAX_CHUNK_BYTES, logLines: 0 } });
    this.#subject.entry.applySync(undefined, ['configure', settings], AS_COPY);
    this.#script.runSync(this.#subject.context, { timeout: this.#remainingMs() });
    this.#subject.entry.applySync(undefined, ['serve'], { ...AS_COPY, timeout: this.#remainingMs() });
  }

  /** What a module keeps in its variables may vanish: here it does. Its state goes on, as a text. */
  #renew(): void {
    const stateJson = this.#stateJson();
    releaseContext(this.#subject);
    this.#subject = createContext(this.#candidate);
    this.#asCandidate(() => this.#load());
    this.#enter(this.#subject, ['session', 'copied', stateJson], this.#remainingMs());
  }

  /** One without a loop of its own to run inside is fed from outside, in a search too. */
  #beginEvaluation(): EvaluationInfo {
    if (this.#message.feed === 'inside') {
      const info = this.#examiner.join(this.#candidate, { context: this.#subject, timeoutMs: this.#remainingMs() });
      this.#isInside = info.inside;
      if (info.inside) return info;
      // It must not stand beside the candidate then.
      releaseContext(this.#subject);
      this.#subject = createContext(this.#candidate);
    }
    const { context, info, cpuNs } = this.#examiner.begin(this.#remainingMs());
    this.#questioner = { context, cpuNs };
    this.#questionerCpuNs = cpuNs();
    return info;
  }

  #inside(set: string, seed: number): { score: number; detail: unknown } {
    this.#calls += 1;
    const sampleJson = this.#asEvaluation(() => this.#examiner.sampleJson(set, { seed, timeoutMs: this.#remainingMs() }));
    const asked = sampleJson === null ? [set, seed] : [set, seed, sampleJson];
    const record = this.#asCandidate(() => this.#enter(this.#subject, ['inside', ...asked], this.#remainingMs()));
    // In there the evaluation's errors can not be told from the candidate's.
    return scoreOf(record, 'threw');
  }

  /** One sample, fed call by call. `isCopied`: the state is given and taken as a text, as in service, which takes longer. */
  #session(options: { set: string; seed: number; onlooker: Onlooker; isCopied?: boolean }): { score: number; detail: unknown } {
    const { set, seed, onlooker } = options;
    const { context } = this.#questioner!;
    const isStateful = this.#message.capabilities.includes('state');
    const guise = callGuise(seed, { stateful: isStateful, nowMs: this.#nowMs });
    this.#enter(this.#subject, options.isCopied === true ? ['session', 'copied'] : ['session'], this.#remainingMs());
    let record = this.#asEvaluation(() => this.#enter(context, ['open', set, seed], this.#remainingMs()));
    for (let call = 0; record.startsWith('input\t'); call += 1) {
      if (onlooker.renews?.(call) === true) this.#renew();
      const answer = this.#call(record.slice('input\t'.length), guise);
      onlooker.answered(call, answer);
      record = this.#asEvaluation(() => this.#enter(context, ['next', answer.outputJson], this.#stepMs(NEXT_MS)));
    }
    if (isStateful) this.#stateJson();
    return scoreOf(record, 'evaluation_threw');
  }

  /**
   * The first sample again, twice: after all others, and with modules that have just begun. An answer may follow from the input, the
   * state and ctx, and from nothing else: what counts calls, learns from its samples or keeps its books in a variable is found out.
   */
  async #repeat(first: readonly Answer[], cancelled: () => boolean): Promise<void> {
    const { seeds, set } = this.#message;
    const seed = seeds[0]!;
    const same = (when: string) => (call: number, answer: Answer) => {
      const { inputJson, outputJson } = brief(answer);
      const before = first[call];
      if (inputJson !== before?.inputJson)
        throw new Failed('evaluation_threw', 'the evaluation asks something else when it draws the same sample again');
      if (outputJson === before.outputJson) return;
      const [was, is] = [before.outputJson, outputJson].map((json) => json.slice(0, SHOWN_CHARS));
      throw new Failed(
        'unrepeatable',
        `call ${call + 1} of a sample gave ${was}, and ${is} ${when}: what a module keeps in its variables must not change its answers`,
      );
    };
    this.#beginSample(cancelled);
    this.#session({ set, seed, onlooker: { answered: same('when it was asked again after other samples') } });
    await loopTurn();
    this.#beginSample(cancelled);
    const renews = renewals(seed);
    this.#session({
      set,
      seed,
      isCopied: true,
      onlooker: { answered: same('after its module was loaded anew and its state kept as JSON'), renews },
    });
  }

  #call(inputJson: string, guise: CallGuise): Answer {
    this.#calls += 1;
    const seq = this.#calls;
    const { limits } = this.#message;
    const { timeMs, seed } = guise.next();
    // V8's timeout is wall clock, and other processes want the core too: it only ends what will not end. What the call may
    // use of the processor is counted.
    const timeoutMs = this.#stepMs(Math.max(limits.cpuMs, limits.deadlineMs));
    const startedCpuUs = threadCpuUs();
    let records = this.#asCandidate(() =>
      this.#enter(this.#subject, ['start', seq, 'handle', inputJson, guise.keyJson, guise.principalJson, timeMs, seed], timeoutMs),
    );
    const streamed = records.startsWith('stream\t');
    if (streamed) records = this.#collect(seq, timeoutMs);
    if (threadCpuUs() - startedCpuUs > limits.cpuMs * 1000)
      throw new Failed('cpu_limit', `more than ${limits.cpuMs} ms of processor time in one call`);
    const done = `done\t${seq}\t`;
    if (records.startsWith(done)) return { inputJson, outputJson: records.slice(done.length, records.lastIndexOf('\t')), streamed };
    const [kind, , failure, error = ''] = records.split('\t');
    if (kind === 'request') throw new Failed('threw', `ctx.${error} reaches nobody while versions are scored`);
    if (kind !== 'failed') throw new Failed('deadline', 'the candidate waits for something that nothing settles');
    const { name, message } = JSON.parse(error) as { name: string; message: string };
    throw new Failed(failure as CallFailure, `${name}: ${message}`);
  }

  /** An evaluation is given the list of a stream's chunks. @returns the record of a call that answered with it, or of one that failed */
  #collect(seq: number, timeoutMs: number): string {
    const chunks: string[] = [];
    const chars = this.#message.limits.outputBytes * 2;
    for (let room = COLLECTED_AT_ONCE; ; room += COLLECTED_AT_ONCE) {
      const records = this.#asCandidate(() => this.#enter(this.#subject, ['grant', seq, room, chars], timeoutMs));
      for (const record of records.split('\n')) {
        const [kind, , json = ''] = record.split('\t');
        if (kind === 'chunk') chunks.push(json);
        else if (kind === 'end') return `done\t${seq}\t[${chunks.join(',')}]\t`;
        else if (kind === 'failed') return record;
      }
      if (chunks.length < room) return '';
    }
  }

  /** @throws Failed when it could not be kept */
  #stateJson(): string {
    const { stateBytes } = this.#message.limits;
    const [kind, json = ''] = this.#asCandidate(() => this.#enter(this.#subject, ['state'], this.#remainingMs())).split('\t');
    if (kind !== 'value') throw new Failed('unserialisable', `the state can not be kept: ${json.slice(0, 500)}`);
    if (json.length > stateBytes)
      throw new Failed('unserialisable', `the state has ${json.length} characters, its contract allows ${stateBytes} bytes`);
    return json;
  }

  #enter(context: GuestContext, values: readonly (string | number)[], timeoutMs: number): string {
    this.#options.timeout = timeoutMs;
    return textOf(context.entry.applySync(undefined, values as never, this.#options) as EntryResult);
  }

  /** What goes wrong in here is the candidate's. */
  #asCandidate<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (error instanceof Failed) throw error;
      const { limits, deadlineMs } = this.#message;
      if (this.#candidate.isolate.isDisposed) throw new Failed('memory_limit', `more than ${limits.memoryMb} MB of memory`);
      const message = error instanceof Error ? error.message : String(error);
      if (message !== 'Script execution timed out.') throw new Failed('threw', message);
      if (this.#leftMs() <= 1) throw new Failed('deadline', `no score after ${deadlineMs} ms`);
      throw new Failed('cpu_limit', `more than ${limits.cpuMs} ms of processor time in one call`);
    }
  }

  #asEvaluation<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (error instanceof Failed) throw error;
      const message = error instanceof Error ? error.message : String(error);
      if (this.#leftMs() <= 1)
        throw new Failed('deadline', `no score after ${this.#message.deadlineMs} ms, and it was the evaluation's turn`);
      throw new Failed('evaluation_threw', message);
    }
  }

  #leftMs(): number {
    return this.#message.deadlineMs - (performance.now() - this.#startedMs);
  }

  /** For V8, to which 0 means no limit. */
  #remainingMs(): number {
    const leftMs = Math.floor(this.#leftMs());
    if (leftMs < 1) throw new Failed('deadline', `no score after ${this.#message.deadlineMs} ms`);
    return leftMs;
  }

  /**
   * For an entry of which there are thousands, never more than the deadline and what it is spread by. The timers of entries that are over
   * stay until their time has come, and isolated-vm drops those that are due together one inside the other: a hundred thousand of them
   * are the end of their thread's stack, and of the host.
   */
  #stepMs(limitMs: number): number {
    const leftMs = this.#remainingMs();
    return limitMs < leftMs ? limitMs : leftMs + (this.#calls % Math.min(SPREAD_MS, leftMs));
  }

  /** Whether it is behind its pace, or the mean is certain to end up worse than `stopAt`, whatever the samples that are left bring. */
  #isHopeless({ sum, taken, best }: { sum: number; taken: number; best: number | null }): boolean {
    const { stopAt, paceAt, direction = 'minimize', seeds } = this.#message;
    const left = seeds.length - taken;
    if (left === 0) return false;
    const isWorse = (score: number, than: number): boolean => (direction === 'minimize' ? score > than : score < than);
    const pace = paceAt?.[taken - 1];
    if (pace !== undefined && isWorse(sum / taken, pace)) return true;
    return stopAt !== undefined && best !== null && isWorse((sum + left * best) / seeds.length, stopAt);
  }

  #cpuMs(): number {
    const candidateNs = this.#candidate.isolate.isDisposed ? 0n : this.#candidate.isolate.cpuTime;
    const questionerNs = this.#questioner === null ? 0n : this.#questioner.cpuNs() - this.#questionerCpuNs;
    return Number(candidateNs + questionerNs) / 1e6;
  }
}

function loopTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** Long texts as their beginning and their hash: a host has to keep those of a whole session. */
function brief({ inputJson, outputJson, streamed }: Answer): Answer {
  const [input, output] = [inputJson, outputJson].map((json) =>
    json.length <= 1_000 ? json : `${json.slice(0, SHOWN_CHARS)}… ${createHash('sha256').update(json).digest('hex')}`,
  );
  return { inputJson: input!, outputJson: output!, streamed };
}

function scoreOf(record: string, failure: Failure): { score: number; detail: unknown } {
  const [kind, text = '', detail = 'null'] = record.split('\t');
  if (kind === 'threw') {
    const { name, message } = JSON.parse(text) as { name: string; message: string };
    throw new Failed(failure, `${name}: ${message}`);
  }
  const score = Number(text);
  if (!Number.isFinite(score)) throw new Failed('invalid_score', `the score is ${text}, not a finite number`);
  return { score, detail: JSON.parse(detail) };
}
