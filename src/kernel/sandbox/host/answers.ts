// A candidate's answers while it is scored: some of each sample for whoever holds the contract, and all of the first one, to see
// whether it gives them again.
import { createHash } from 'node:crypto';
import { seededRandom } from '../guest/random.ts';

export interface Answer {
  inputJson: string;
  /** Of a stream the list of its chunks. */
  outputJson: string;
  streamed: boolean;
}

/** Of each sample. */
const MAX_KEPT = 32;
const MAX_KEPT_CHARS = 262_144;

/** Keeps each answer with the same chance, however many there are: which ones can not be foreseen. */
export class AnswerSample {
  readonly #random: () => number;
  readonly #kept: Answer[] = [];
  #chars = 0;
  #seen = 0;

  constructor(sampleSeed: number) {
    this.#random = seededRandom(createHash('sha256').update(`answers/${sampleSeed}`).digest().readUIntBE(0, 6));
  }

  get kept(): readonly Answer[] {
    return this.#kept;
  }

  add(answer: Answer): void {
    this.#seen += 1;
    if (this.#kept.length === MAX_KEPT) {
      if (this.#random() * this.#seen >= MAX_KEPT) return;
      this.#drop();
    }
    this.#kept.push(answer);
    this.#chars += lengthOf(answer);
    // Whichever it is: were it always the longest, that would be where to hide.
    while (this.#chars > MAX_KEPT_CHARS && this.#kept.length > 1) this.#drop();
  }

  #drop(): void {
    const [dropped] = this.#kept.splice(Math.floor(this.#random() * this.#kept.length), 1);
    if (dropped !== undefined) this.#chars -= lengthOf(dropped);
  }
}

function lengthOf({ inputJson, outputJson }: Answer): number {
  return inputJson.length + outputJson.length;
}
