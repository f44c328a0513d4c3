// Lines to the parent, collected and written once per turn of the loop.
import type { Socket } from 'node:net';

export class HostOutput {
  readonly #socket: Socket;
  #pending = '';
  #scheduled = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** `line` ends with a line feed. */
  write(line: string): void {
    this.#pending += line;
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  flush(): void {
    if (this.#pending === '') return;
    const text = this.#pending;
    this.#pending = '';
    this.#socket.write(text);
  }
}
