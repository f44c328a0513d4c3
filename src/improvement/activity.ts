// What a proposer is doing, as few enough lines to be written down: a text that streams is put together until something else happens.

interface Doing {
  kind: 'text' | 'tool' | 'file';
  text: string;
}

export interface ActivityOptions {
  append: (doing: Doing) => Promise<void>;
  monotonicMs: () => number;
}

const TEXT_EVERY_MS = 500;
/** Of one improvement; the rest is not written down. */
const MAX_LINES = 400;
const MAX_CHARACTERS = 2_000;

export class Activity {
  readonly #options: ActivityOptions;
  #text = '';
  #sinceMs = 0;
  #lines = 0;

  constructor(options: ActivityOptions) {
    this.#options = options;
  }

  async take(doing: Doing): Promise<void> {
    if (doing.kind !== 'text') {
      await this.flush();
      return this.#write(doing);
    }
    const nowMs = this.#options.monotonicMs();
    if (this.#text === '') this.#sinceMs = nowMs;
    this.#text += doing.text;
    if (nowMs - this.#sinceMs >= TEXT_EVERY_MS || this.#text.length >= MAX_CHARACTERS) await this.flush();
  }

  /** Writes down what was put together. */
  async flush(): Promise<void> {
    const text = this.#text;
    this.#text = '';
    if (text.trim() !== '') await this.#write({ kind: 'text', text });
  }

  async #write({ kind, text }: Doing): Promise<void> {
    if (this.#lines === MAX_LINES) return;
    this.#lines += 1;
    await this.#options.append({ kind, text: text.slice(0, MAX_CHARACTERS) });
  }
}
