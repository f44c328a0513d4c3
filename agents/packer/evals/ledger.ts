// The scorer's own books: every answer is checked against them, nothing the agent says about itself is believed.

export interface Placement {
  bin: number;
  opened: boolean;
}

export interface Ledger {
  /** Fill of each bin by index. */
  readonly fills: readonly number[];
  /** @throws Error when the item can not have gone where the answer says */
  place(item: number, placement: Placement): void;
}

export function ledger(capacity: number): Ledger {
  const fills: number[] = [];
  let items = 0;
  return {
    fills,
    place(item, { bin, opened }) {
      items += 1;
      const refuse = (why: string): never => {
        throw new Error(`item ${items} (size ${item}) went to bin ${bin}: ${why}`);
      };
      if (!Number.isInteger(bin) || bin < 0 || bin > fills.length) refuse(`bins are numbered without gaps, ${fills.length} are open`);
      if (opened !== (bin === fills.length)) refuse(opened ? 'it was open already' : 'it was never opened');
      const fill = (fills[bin] ?? 0) + item;
      if (fill > capacity) refuse(`it would hold ${fill} of ${capacity}`);
      fills[bin] = fill;
    },
  };
}
