// Who needs versions to stay on this disk whatever their age.

/** Hashes that must stay now. What it throws stops the collection. */
export type Holder = () => Iterable<string> | Promise<Iterable<string>>;
