// The host process's side of the wire: takes lines from the parent in their order, a few milliseconds at a time, so that its loop
// never stops answering for longer than one synchronous call.
import type { Socket } from 'node:net';
import type { CallPath, LoadRequest } from '../call.ts';
import { FIRST_ISOLATE_SLOT, SLOTS, type BlackBoxWriter, type HostVerdict } from '../black-box.ts';
import { LineReader } from '../line-reader.ts';
import { MemoryAllowance } from '../memory-allowance.ts';
import { Evaluator, type EvaluationMessage } from './evaluator.ts';
import { GuestIsolates } from './guest-isolates.ts';
import { errorJson, type HostedCall } from './hosted-call.ts';
import { HostOutput } from './host-output.ts';
import { HostedVersion } from './hosted-version.ts';
import { LoadFailure } from './load-isolate.ts';
import { scriptValue, type ScriptMessage } from './script-value.ts';
import { Watchdog } from './watchdog.ts';

/** Of versions; the slots that are left over are for scripts. */
const MAX_VERSIONS = 500;
const TURN_MS = 10;

export interface HostOptions {
  socket: Socket;
  blackBox: BlackBoxWriter;
  /** Ends the process at once. */
  die: () => never;
}

export class Host {
  readonly #options: HostOptions;
  readonly #output: HostOutput;
  readonly #reader = new LineReader();
  readonly #isolates: GuestIsolates;
  readonly #watchdog: Watchdog;
  readonly #memory: MemoryAllowance;
  readonly #evaluator: Evaluator;
  readonly #versions = new Map<number, HostedVersion>();
  readonly #calls = new Map<number, HostedCall>();
  readonly #slots: number[] = [];
  readonly #evaluating = new Map<number, { isCancelled: boolean }>();
  #evaluations: Promise<void> = Promise.resolve();
  #lines: string[] = [];
  #next = 0;
  #working = false;

  constructor(options: HostOptions) {
    this.#options = options;
    this.#output = new HostOutput(options.socket);
    this.#memory = new MemoryAllowance(process.memoryUsage.rss(), performance.now());
    this.#isolates = new GuestIsolates(() => this.#kill('catastrophic', null));
    this.#watchdog = new Watchdog({ memory: this.#memory, kill: (verdict, call) => this.#kill(verdict, call) });
    this.#evaluator = new Evaluator(this.#isolates);
    for (let slot = SLOTS - 1; slot >= FIRST_ISOLATE_SLOT; slot -= 1) this.#slots.push(slot);
  }

  run(): void {
    const { socket, die } = this.#options;
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      // A heartbeat says that the loop turns, so it does not wait for the lines before it.
      this.#reader.push(chunk, (line) => (line.startsWith('ping\t') ? this.#pong(line) : this.#lines.push(line)));
      this.#work();
    });
    socket.on('error', die);
    socket.on('close', die);
    this.#output.write('ready\n');
    this.#output.flush();
  }

  #work(): void {
    if (this.#working) return;
    const startedMs = performance.now();
    while (this.#next < this.#lines.length) {
      this.#dispatch(this.#lines[this.#next++] as string);
      if (performance.now() - startedMs > TURN_MS) break;
    }
    this.#options.blackBox.leaveMainThread();
    this.#output.flush();
    if (this.#next === this.#lines.length) {
      this.#lines = [];
      this.#next = 0;
      return;
    }
    this.#working = true;
    setImmediate(() => {
      this.#working = false;
      this.#work();
    });
  }

  #dispatch(line: string): void {
    const fields = line.split('\t');
    const number = Number(fields[1]);
    switch (fields[0]) {
      case 'call':
        return this.#call(number, fields);
      case 'deliver': {
        const call = this.#calls.get(number);
        const result = { request: Number(fields[2]), timeMs: Number(fields[3]), ok: fields[4] === 'ok', json: fields[5] as string };
        return call?.owner.deliver(call, result);
      }
      case 'grant': {
        const call = this.#calls.get(number);
        return call?.owner.grant(call, { chunks: Number(fields[2]), chars: Number(fields[3]) });
      }
      case 'leave': {
        const call = this.#calls.get(number);
        return call?.owner.leave(call);
      }
      case 'cancel': {
        const call = this.#calls.get(number);
        const evaluation = this.#evaluating.get(number);
        if (evaluation !== undefined) evaluation.isCancelled = true;
        return call?.owner.cancel(call);
      }
      case 'load':
        return void this.#load(number, { version: Number(fields[2]), request: JSON.parse(fields[3] as string) as LoadRequest });
      case 'unload':
        this.#versions.get(number)?.close();
        this.#versions.delete(number);
        return;
      case 'script':
        return void this.#script(number, JSON.parse(fields[2] as string) as ScriptMessage);
      case 'evaluation':
        return this.#evaluator.learn(number, JSON.parse(fields[2] as string) as string);
      case 'evaluate':
        return this.#evaluate(number, { evaluation: Number(fields[2]), message: JSON.parse(fields[3] as string) as EvaluationMessage });
      default:
        throw new Error(`the parent sent ${JSON.stringify(fields[0])}, which this host does not know`);
    }
  }

  #call(seq: number, fields: readonly string[]): void {
    const [, , version, exportName, path, timeMs, seed, stepwise, keyJson, principalJson, inputJson] = fields as string[];
    const hosted = this.#versions.get(Number(version));
    if (hosted === undefined) {
      this.#output.write(`failed\t${seq}\t0\t0\t${path}\t\thost_lost\t0\t${errorJson('the version is not loaded in this host')}\t[]\n`);
      return;
    }
    hosted.start({
      seq,
      exportName: exportName as string,
      path: path as CallPath,
      timeMs: Number(timeMs),
      seed: Number(seed),
      stepwise: stepwise === '1',
      keyJson: keyJson as string,
      principalJson: principalJson as string,
      inputJson: inputJson as string,
    });
  }

  async #load(id: number, { version, request }: { version: number; request: LoadRequest }): Promise<void> {
    if (this.#versions.size >= MAX_VERSIONS) {
      this.#output.write(`refused\t${id}\thost_lost\t0\t${errorJson(`the host holds ${MAX_VERSIONS} versions, as many as it may`)}\n`);
      return;
    }
    this.#memory.allow(request.limits.memoryMb);
    const hosted = new HostedVersion({
      request,
      isolates: this.#isolates,
      watchdog: this.#watchdog,
      blackBox: this.#options.blackBox,
      output: this.#output,
      slots: this.#slots,
      calls: this.#calls,
    });
    this.#versions.set(version, hosted);
    try {
      const exportsJson = await hosted.load(id);
      this.#output.write(`value\t${id}\t${exportsJson}\n`);
      this.#isolates.makeSpare(request.limits.memoryMb);
    } catch (error) {
      this.#versions.delete(version);
      const report = error instanceof LoadFailure ? error.report : { failure: 'threw', suspects: 1, errorJson: errorJson(error) };
      this.#output.write(`refused\t${id}\t${report.failure}\t${report.suspects}\t${report.errorJson}\n`);
    }
  }

  async #script(id: number, message: ScriptMessage): Promise<void> {
    this.#memory.allow(message.memoryMb);
    const { blackBox } = this.#options;
    const answer = await scriptValue(message, {
      call: id,
      isolates: this.#isolates,
      watchdog: this.#watchdog,
      blackBox,
      slots: this.#slots,
    });
    if (answer.ok) this.#output.write(`value\t${id}\t${answer.json}\n`);
    else this.#output.write(`refused\t${id}\t${answer.failure}\t${answer.suspects}\t${answer.errorJson}\n`);
  }

  #evaluate(id: number, options: { evaluation: number; message: EvaluationMessage }): void {
    const { blackBox } = this.#options;
    const { message } = options;
    const examiner = this.#evaluator.reserve(options.evaluation);
    if (examiner === undefined) throw new Error(`the parent has not sent evaluation ${options.evaluation}`);
    const state = { isCancelled: false };
    this.#evaluating.set(id, state);
    this.#evaluations = this.#evaluations.then(async () => {
      blackBox.enterMainThread(id);
      // Asked before each sample. The loop's turn in between has cleared the black box.
      const cancelled = (): boolean => {
        blackBox.enterMainThread(id);
        return state.isCancelled;
      };
      const outcome = await this.#evaluator.evaluate(examiner, { message, cancelled });
      blackBox.leaveMainThread();
      this.#evaluating.delete(id);
      this.#output.write(`value\t${id}\t${JSON.stringify(outcome)}\n`);
      // Before the next one begins, which may be the end of this process.
      this.#output.flush();
    });
  }

  #pong(line: string): void {
    this.#output.write(`pong\t${line.slice('ping\t'.length)}\t${this.#isolates.count}\t${this.#watchdog.executing}\n`);
  }

  #kill(verdict: HostVerdict, call: number | null): never {
    this.#options.blackBox.judge(verdict, call);
    return this.#options.die();
  }
}
