// The journal of a call, in the isolate's own order: enough to run it again and see the same.

/** The isolate asks for something; numbered from 1 in the order it asks. */
export interface JournalRequest {
  seq: number;
  name: string;
  args: unknown;
}

/** What it got, in the order of delivery; `time` (ms since the epoch) is where the call's clock then stands. */
export type JournalResult = { seq: number; time: number; value: unknown } | { seq: number; time: number; error: JournalError };

export interface JournalError {
  name: string;
  message: string;
  code?: string;
}

/** A stream gave out so many chunks, one after the other. */
export interface JournalChunks {
  chunks: number;
}

/** The reader of a stream had room for so much since its beginning: the generator goes on while it has given out less of both. */
export interface JournalRoom {
  room: { chunks: number; chars: number };
}

/** The reader of a stream went away: the generator was told to return. */
export interface JournalLeave {
  left: true;
}

export type JournalEntry = JournalRequest | JournalResult | JournalChunks | JournalRoom | JournalLeave;

export interface Journal {
  journal: 1;
  /** Where the call's clock stood at its start, ms since the epoch. */
  time: number;
  /** Of the generator behind ctx.random and Math.random: unsigned 32 bits. */
  seed: number;
  entries: readonly JournalEntry[];
}
