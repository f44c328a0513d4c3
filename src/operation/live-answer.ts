// An answer that goes out while it is made.

/** How a surface can show an answer as it is made. `always`: only so. `if_live`: also as a whole, where nothing of it comes earlier. */
export type WantsEvents = 'always' | 'if_live';

/** In the order of an answer: any number of `chunk`s, or one `result`; then `done`. A failure ends it instead. */
export interface AnswerEvent {
  event: 'chunk' | 'result' | 'done';
  /** Of a chunk: its number, from 1. */
  id?: number;
  /** A RawJson, or members of the operation's output. */
  data: unknown;
}

/** What a handler may give when its context wants events, or its input a stream. Its maker vouches for what is in it. */
export class LiveAnswer {
  readonly events: AsyncIterable<AnswerEvent>;

  constructor(events: AsyncIterable<AnswerEvent>) {
    this.events = events;
  }
}
