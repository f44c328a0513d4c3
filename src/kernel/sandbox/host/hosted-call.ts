// A call inside its host: what it has used, what it waits for, and the line that ends it.
import { Buffer } from 'node:buffer';
import { REQUESTS_WITHOUT_EFFECT, type CallFailure, type CallPath } from '../call.ts';
import type { HostOutput } from './host-output.ts';
import type { GuestContext } from './guest-isolates.ts';
import { HostedStream } from './hosted-stream.ts';
import type { Meter } from './watchdog.ts';

/** As it came over the wire. */
export interface CallMessage {
  seq: number;
  exportName: string;
  path: CallPath;
  timeMs: number;
  seed: number;
  /** Every entry is answered with a line, even when nothing came of it: for replay. */
  stepwise: boolean;
  keyJson: string;
  principalJson: string;
  inputJson: string;
}

export interface FailureReport {
  failure: CallFailure;
  /** How many calls may have been the cause, this one among them; 0: it was only near. */
  suspects: number;
  errorJson: string;
}

/** The version a call belongs to. */
export interface CallOwner {
  /** Other entries wait behind the one that is running: what is to be said can wait for them a moment. */
  readonly hasMore: boolean;
  deliver(call: HostedCall, result: { request: number; timeMs: number; ok: boolean; json: string }): void;
  cancel(call: HostedCall): void;
  /** Of a stream. */
  grant(call: HostedCall, room: { chunks: number; chars: number }): void;
  leave(call: HostedCall): void;
}

export class HostedCall {
  readonly owner: CallOwner;
  readonly message: CallMessage;
  readonly meter: Meter;
  path: CallPath;
  waitingSinceMs = 0;
  /** Where it runs, once it has started. */
  context: GuestContext | null = null;
  settled = false;
  /** Requests without a result. */
  open = 0;
  /** Entries of this call that wait for their turn. */
  queued = 0;
  /** The parent has heard of it. */
  hasSpoken = false;
  /** It has asked for something that can not be taken back. */
  hadEffects = false;
  /** Set when its handler gave an async generator. */
  stream: HostedStream | null = null;
  /** Told when it has waited too long for nothing. */
  onDeadline: () => void = () => {};
  readonly #output: HostOutput;
  readonly #outputBytes: number;
  /** What the isolate was given since the last line about this call, in that order. */
  #delivered: string[] = [];
  #notes = '';

  constructor(message: CallMessage, options: { owner: CallOwner; meter: Meter; output: HostOutput; outputBytes: number }) {
    this.owner = options.owner;
    this.message = message;
    this.meter = options.meter;
    this.path = message.path;
    this.#output = options.output;
    this.#outputBytes = options.outputBytes;
  }

  get seq(): number {
    return this.message.seq;
  }

  /** The isolate is given something: in the words of the journal's recorder. */
  delivered(what: string): void {
    this.#delivered.push(what);
  }

  /** A rejection nobody handled: the call goes on, its log says so. */
  note(text: string): void {
    this.#notes += `${this.#notes === '' ? '' : ','}{"level":"error","message":${JSON.stringify(`unhandled rejection: ${text.slice(0, 4096)}`)}}`;
  }

  request(kind: 'request' | 'notify', options: { seq: string; name: string; argsJson: string }): void {
    if (kind === 'request') this.open += 1;
    this.hasSpoken = true;
    this.hadEffects ||= !REQUESTS_WITHOUT_EFFECT.has(options.name);
    this.#write(`${kind}\t${this.seq}\t${options.seq}\t${options.name}\t${this.#takeDelivered()}\t${options.argsJson}\n`);
  }

  beginStream(): void {
    this.stream = new HostedStream(this.#outputBytes);
    this.hasSpoken = true;
    // Its entries are as long as its chunks take, and its reader may go away.
    this.path = 'async';
    this.#write(`stream\t${this.seq}\t${this.#takeDelivered()}\n`);
  }

  chunk(json: string): void {
    const problem = this.stream?.take(json) ?? null;
    if (problem !== null) return this.fail({ failure: 'output_limit', suspects: 1, errorJson: errorJson(problem) });
    this.#write(`chunk\t${this.seq}\t${this.#takeDelivered()}\t${json}\n`);
  }

  /** What it gave out went out before. */
  finishStream(logsJson: string): void {
    this.#settle(`done\t${this.#account()}\t\t${this.#withNotes(logsJson)}\n`);
  }

  step(): void {
    this.#write(`step\t${this.seq}\t${this.#takeDelivered()}\n`);
  }

  finish(outputJson: string, logsJson: string): void {
    if (this.#isTooLong(outputJson)) {
      const message = `the output has ${Buffer.byteLength(outputJson)} bytes, its contract allows ${this.#outputBytes}`;
      this.fail({ failure: 'output_limit', suspects: 1, errorJson: errorJson(message) }, logsJson);
    } else this.#settle(`done\t${this.#account()}\t${outputJson}\t${this.#withNotes(logsJson)}\n`);
  }

  fail({ failure, suspects, errorJson: error }: FailureReport, logsJson = '[]'): void {
    this.#settle(`failed\t${this.#account()}\t${failure}\t${suspects}\t${error}\t${this.#withNotes(logsJson)}\n`);
  }

  #settle(line: string): void {
    this.settled = true;
    this.#write(line);
  }

  #write(line: string): void {
    this.#output.write(line, { more: this.owner.hasMore });
  }

  #account(): string {
    const { cpuUs, wallUs } = this.meter;
    return `${this.seq}\t${Math.round(cpuUs)}\t${Math.round(wallUs)}\t${this.path}\t${this.#takeDelivered()}`;
  }

  #takeDelivered(): string {
    if (this.#delivered.length === 0) return '';
    const list = this.#delivered.join(',');
    this.#delivered = [];
    return list;
  }

  #withNotes(logsJson: string): string {
    if (this.#notes === '') return logsJson;
    return logsJson === '[]' ? `[${this.#notes}]` : `${logsJson.slice(0, -1)},${this.#notes}]`;
  }

  #isTooLong(json: string): boolean {
    // Three bytes a character at most: only near the limit is it worth counting.
    return json.length * 3 > this.#outputBytes && Buffer.byteLength(json) > this.#outputBytes;
  }
}

/** An error as the wire carries it, without the host's own frames. */
export function errorJson(error: unknown, name = 'Error'): string {
  if (!(error instanceof Error)) return JSON.stringify({ name, message: String(error) });
  const { message, stack } = error;
  const own = stack?.split('\n    at (<isolated-vm boundary>)', 1)[0];
  return JSON.stringify({ name: error.name, message, ...(own === undefined ? {} : { stack: own }) });
}
