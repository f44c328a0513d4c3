// The two families of the published table on online bin packing (Nature 625, 468–475, table 1): how their instances are drawn and
// scored, and the excess over the lower bound, in per cent, that was published for them.

/** Lists of the same length; their bins and lower bounds are added up before they are compared. */
export interface Task {
  items: number;
  lists: number;
}

export interface Column {
  /** Name of the figure. */
  key: string;
  title: string;
  /** The published test set. */
  task: Task;
  published: { firstFit: number; bestFit: number; found: number };
}

export interface Family {
  name: 'weibull' | 'uniform';
  title: string;
  capacity: number;
  /** Smallest and largest item. */
  sizes: { min: number; max: number };
  /** One training sample; a search draws several, and fresh ones every so often. The score is the mean over the tasks. */
  training: readonly Task[];
  /** One of the twenty draws that choose between a search's finalists. */
  validation: readonly Task[];
  columns: readonly Column[];
}

/** Trained and validated on lists of 5,000, as published. */
export const WEIBULL: Family = {
  name: 'weibull',
  title: 'Weibull',
  capacity: 100,
  sizes: { min: 1, max: 100 },
  training: [{ items: 5_000, lists: 1 }],
  validation: [{ items: 5_000, lists: 1 }],
  columns: [
    {
      key: 'w5k',
      title: 'Weibull 5k',
      task: { items: 5_000, lists: 5 },
      published: { firstFit: 4.23, bestFit: 3.98, found: 0.68 },
    },
    {
      key: 'w10k',
      title: 'Weibull 10k',
      task: { items: 10_000, lists: 5 },
      published: { firstFit: 4.2, bestFit: 3.9, found: 0.32 },
    },
    {
      key: 'w100k',
      title: 'Weibull 100k',
      task: { items: 100_000, lists: 1 },
      published: { firstFit: 4, bestFit: 3.79, found: 0.03 },
    },
  ],
};

/**
 * Lists as the OR-Library's binpack1 to binpack4 were drawn. Published was a search that trained on 120 items and validated on 250;
 * on so few items a search learns the luck of its lists, so ours trains and validates on all four lengths.
 */
export const UNIFORM: Family = {
  name: 'uniform',
  title: 'OR',
  capacity: 150,
  sizes: { min: 20, max: 100 },
  training: [
    { items: 120, lists: 4 },
    { items: 250, lists: 4 },
    { items: 500, lists: 2 },
    { items: 1_000, lists: 2 },
  ],
  validation: [
    { items: 120, lists: 4 },
    { items: 250, lists: 4 },
    { items: 500, lists: 4 },
    { items: 1_000, lists: 4 },
  ],
  columns: [
    { key: 'or1', title: 'OR1', task: { items: 120, lists: 20 }, published: { firstFit: 6.42, bestFit: 5.81, found: 5.3 } },
    { key: 'or2', title: 'OR2', task: { items: 250, lists: 20 }, published: { firstFit: 6.45, bestFit: 6.06, found: 4.19 } },
    { key: 'or3', title: 'OR3', task: { items: 500, lists: 20 }, published: { firstFit: 5.74, bestFit: 5.37, found: 3.11 } },
    { key: 'or4', title: 'OR4', task: { items: 1_000, lists: 20 }, published: { firstFit: 5.23, bestFit: 4.94, found: 2.47 } },
  ],
};
