// Lines to the parent, collected and written once per turn of the loop; or, while more is about to be said, once for several.
import type { Socket } from 'node:net';

const HELD_LINES = 8;
const HELD_MS = 1;

export class HostOutput {
  readonly #socket: Socket;
  #pending = '';
  #lines = 0;
  #scheduled = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** `line` ends with a line feed. `more`: another is expected so soon that this one may wait for it, a millisecond at most. */
  write(line: string, { more = false }: { more?: boolean } = {}): void {
    this.#pending += line;
    this.#lines += 1;
    if (this.#scheduled) return;
    if (more && this.#lines < HELD_LINES) {
      this.#timer ??= setTimeout(() => this.flush(), HELD_MS);
      return;
    }
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#pending === '') return;
    const text = this.#pending;
    this.#pending = '';
    this.#lines = 0;
    this.#socket.write(text);
  }
}
