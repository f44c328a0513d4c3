// A sandbox host's process and the wire to it: lines out, once per turn of the loop; lines in, to the last one it wrote.
import type { Socket } from 'node:net';
import type { ChildHandle, ProcessExit } from '#lib/process.ts';
import { BlackBox, type BlackBoxRecord } from './black-box.ts';
import { ConfinedProcess } from './confined-process.ts';
import { spawnHost } from './host-command.ts';
import { LineReader } from './line-reader.ts';
import type { OsLayer } from './os-layer.ts';

const LAST_WORDS = 4_096;

export interface HostEnd {
  exit: ProcessExit;
  /** What it was doing. */
  record: BlackBoxRecord;
}

export class HostProcess {
  readonly handle: ChildHandle;
  /** Settles when the process has ended and all it wrote has been read. */
  readonly ended: Promise<HostEnd>;
  readonly #blackBox: BlackBox;
  readonly #socket: Socket;
  #out = '';
  #flushing = false;
  #lastWords = '';
  #isEnded = false;

  /** @throws SeedError `unavailable` */
  constructor(onLine: (line: string) => void, options: { shortLived: boolean; layer: OsLayer }) {
    this.#blackBox = new BlackBox();
    try {
      this.handle = spawnHost({ blackBoxFd: this.#blackBox.fd, ...options });
    } catch (error) {
      this.#blackBox[Symbol.dispose]();
      throw error;
    }
    this.#socket = this.handle.stdio[3] as Socket;
    const reader = new LineReader();
    this.#socket.setEncoding('utf8');
    this.#socket.on('data', (chunk: string) => reader.push(chunk, onLine));
    this.handle.stdio[2]?.setEncoding('utf8').on('data', (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-LAST_WORDS);
    });
    this.ended = this.#end();
  }

  /** It has said its first word. */
  becameReady(): void {
    if (this.handle instanceof ConfinedProcess) this.handle.begun();
  }

  /** What it wrote to its standard error: V8's own words, when it died of V8. */
  get lastWords(): string {
    return this.#lastWords;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** `line` ends with a line feed. */
  send(line: string): void {
    this.#out += line;
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      const text = this.#out;
      this.#out = '';
      if (!this.#isEnded) this.#socket.write(text);
    });
  }

  async #end(): Promise<HostEnd> {
    const exit = await this.handle.exited;
    if (!this.#socket.closed) await new Promise((resolve) => this.#socket.once('close', resolve));
    this.#isEnded = true;
    const record = this.#blackBox.read();
    this.#blackBox[Symbol.dispose]();
    return { exit, record };
  }
}
