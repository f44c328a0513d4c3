// Port: versions that ended their sandbox hosts too often. Durable; they do not go live again unless a person says why.

export interface Quarantined {
  agent: string;
  hash: string;
  reason: string;
  strikes: number;
  /** UTC, ISO 8601. */
  at: string;
}

export interface Quarantine {
  /** The entry that keeps a version, or another one with the same script, from going live; null when none does. */
  find(agent: string, hash: string): Promise<Quarantined | null>;
  list(agent: string): Promise<readonly Quarantined[]>;
  /** @returns false when it is there already: one entry a version */
  add(entry: Omit<Quarantined, 'at'>, principal: { kind: string; id: string }): Promise<boolean>;
  /**
   * Where to go from a version that is out: the newest one before it that was accepted once and is not quarantined.
   * @param preferred is taken if it is not quarantined, whatever its number: the stable version, while another is on trial
   */
  acceptedBefore(agent: string, hash: string, preferred: string | null): Promise<string | null>;
}
