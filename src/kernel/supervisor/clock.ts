// Time as the supervisor sees it, so that tests decide when it passes.

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since the epoch: for people. */
  now(): number;
  /** Milliseconds that never go back: for intervals. */
  monotonicMs(): number;
  setTimeout(callback: () => void, delayMs: number): Timer;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimeout: (callback, delayMs) => {
    const timer = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};
