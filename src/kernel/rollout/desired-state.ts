// Port: what every node should be serving. One durable row an agent, changed only by compare-and-set.

/** idle: nothing is being watched. observing: the canary takes all calls and is compared with the stable version. */
export type RolloutPhase = 'idle' | 'observing';

export interface DesiredRow {
  agent: string;
  /** Grows by one with every change; a node never goes back to a smaller one. */
  generation: number;
  /** Hash of the last version that was accepted; null before the first. */
  stable: string | null;
  /** Hash of the version on trial, if any. */
  canary: string | null;
  /** Per cent of the calls that go to the canary. */
  weight: number;
  /** Hash of the version that was live before the present one: where `code:rollback` goes. */
  previous: string | null;
  phase: RolloutPhase;
  /** When the observation ends, ms since the epoch. */
  deadlineMs: number | null;
  /** Why it was changed last, for people. */
  reason: string;
}

export type DesiredChange = Omit<DesiredRow, 'agent' | 'generation'>;

export type SwapKind = 'promote' | 'rollback' | 'automatic_rollback';

/** What is written down of a swap, in the commit that makes it so. */
export interface SwapNote {
  kind: SwapKind;
  fromHash: string | null;
  toHash: string;
  /** Whether the version is watched now. */
  observing: boolean;
  principal: { kind: string; id: string };
  /** From the decision until every host had it loaded, microseconds. */
  preparedUs: number;
  /** Lets the version, and its script, out of quarantine. */
  releases: boolean;
}

export interface DesiredState {
  get(agent: string): Promise<DesiredRow | null>;
  list(): Promise<readonly DesiredRow[]>;
  /**
   * Replaces the row of `expectedGeneration` (0 = there is none yet).
   * @param swap told when the change makes another version live; recorded with it or not at all
   * @throws SeedError `conflict` when somebody else was first.
   */
  compareAndSet(agent: string, expectedGeneration: number, change: DesiredChange, swap?: SwapNote): Promise<DesiredRow>;
}

/** The hash that new calls go to. */
export function liveHash(row: DesiredRow): string | null {
  return row.canary !== null && row.weight === 100 ? row.canary : row.stable;
}
