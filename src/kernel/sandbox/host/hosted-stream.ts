// A call's stream inside its host: what has gone out, and what its reader has room for.
import { Buffer } from 'node:buffer';
import { MAX_CHUNK_BYTES } from '../call.ts';

export class HostedStream {
  /** Its `return` was called: what it still does, it does at its own expense. */
  isLeaving = false;
  readonly #outputBytes: number;
  #chunks = 0;
  #chars = 0;
  #bytes = 0;
  #roomChunks = 0;
  #roomChars = 0;

  constructor(outputBytes: number) {
    this.#outputBytes = outputBytes;
  }

  /** Nothing comes of it before its reader has room: the time is not its own. */
  get isHeld(): boolean {
    return !this.isLeaving && (this.#chunks >= this.#roomChunks || this.#chars >= this.#roomChars);
  }

  grant(room: { chunks: number; chars: number }): void {
    this.#roomChunks = room.chunks;
    this.#roomChars = room.chars;
  }

  /** @returns what is wrong with it: the isolate counts characters, here are the bytes */
  take(json: string): string | null {
    this.#chunks += 1;
    this.#chars += json.length;
    const sizeBytes = Buffer.byteLength(json);
    this.#bytes += sizeBytes;
    if (sizeBytes > MAX_CHUNK_BYTES) return `chunk ${this.#chunks} has ${sizeBytes} bytes, ${MAX_CHUNK_BYTES} are allowed in one`;
    if (this.#bytes <= this.#outputBytes) return null;
    return `the stream has more than the ${this.#outputBytes} bytes that its contract allows in all`;
  }
}
