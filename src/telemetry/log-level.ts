// How much is logged.

/** silent: nothing. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogThreshold = (typeof LOG_LEVELS)[number];
export type LogLevel = Exclude<LogThreshold, 'silent'>;

export const LEVEL_ORDER: Readonly<Record<LogThreshold, number>> = { debug: 20, info: 30, warn: 40, error: 50, silent: 100 };
