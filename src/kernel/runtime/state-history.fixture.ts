// For tests: the history of instances whose state never gets another version.
import type { StateHistory } from './state-history.ts';

export const NO_HISTORY: StateHistory = {
  restore: () => Promise.resolve(false),
  freeze: () => Promise.resolve(),
  keep: () => Promise.resolve(false),
  thaw: () => Promise.resolve(),
  frozen: () => Promise.resolve([]),
  keysAbove: () => Promise.resolve([]),
  hasAbove: () => Promise.resolve(false),
  sample: () => Promise.resolve([]),
};
