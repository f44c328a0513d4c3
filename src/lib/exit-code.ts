// How a node ends is an agreement with the root supervisor, and with whoever started that: numbers of sysexits.h.

export const EXIT_CODE = {
  ok: 0,
  failure: 1,
  /** The root supervisor gives up: the node failed too often (EX_SOFTWARE). */
  tooManyRestarts: 70,
  /** Something that only a person can mend, such as a data folder that another node owns: not started again (EX_CANTCREAT). */
  doNotRestart: 73,
  /** The node asks to be started again at once; not counted as a failure (EX_TEMPFAIL). */
  restart: 75,
  /** A setting is wrong: not started again (EX_CONFIG). */
  configuration: 78,
  /** Ended by a second SIGINT (128 + 2). */
  interrupted: 130,
} as const;
