// For tests of what parks nothing.
import type { ParkedCalls } from './parked-call.ts';

export const NOTHING_PARKED: ParkedCalls = {
  status: () => Promise.resolve(null),
  beginEffect: () => Promise.reject(new Error('nothing is parked here')),
};
