// The closed list of error codes: what a caller can branch on, and how each shows on every surface.

/** Code → [HTTP status, exit code of the command line]. A code that is not here does not exist. */
export const ERROR_CODES = {
  bad_request: [400, 2],
  unauthenticated: [401, 4],
  forbidden: [403, 4],
  not_found: [404, 3],
  /** The path is known, with other methods: the `Allow` header names them. */
  method_not_allowed: [405, 2],
  conflict: [409, 5],
  /** The aggregate is in a state that does not allow this (an improvement that has ended can not be cancelled). */
  invalid_state: [409, 5],
  /** Somebody else appended to the stream first. */
  expected_version: [409, 5],
  /** The same idempotency key came with another input. */
  idempotency_mismatch: [409, 5],
  payload_too_large: [413, 2],
  unsupported_media_type: [415, 2],
  invalid_input: [422, 2],
  compile_failed: [422, 1],
  policy_refused: [422, 1],
  contract_invalid: [422, 1],
  /** A protected set of tests or scores refused the version. */
  validation_failed: [422, 1],
  confirmation_required: [428, 6],
  rate_limited: [429, 7],
  /** The caller went away or asked for the end. */
  cancelled: [499, 1],
  internal: [500, 1],
  configuration: [500, 78],
  /** A stored file does not match its hash or its signature. */
  artifact_corrupt: [500, 1],
  /** The agent's own code threw, or answered what its contract does not allow. */
  agent_error: [502, 1],
  memory_limit: [502, 1],
  unavailable: [503, 7],
  queue_full: [503, 7],
  database_unavailable: [503, 7],
  /** The call used more processor time than its contract grants. */
  cpu_limit: [504, 1],
  deadline: [504, 1],
  storage_full: [507, 1],
} as const satisfies Record<string, readonly [status: number, exit: number]>;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface SeedErrorOptions {
  /** Shown to the caller as `details`: machine-readable, no secrets. */
  details?: unknown;
  /** What to do now, as a sentence or a command. */
  hint?: string;
  /** Sent as `Retry-After`, in milliseconds. */
  retryAfterMs?: number;
  cause?: unknown;
}

/** An expected failure with a code; the message says what happened, with which value. */
export class SeedError extends Error {
  override readonly name = 'SeedError';
  readonly code: ErrorCode;
  readonly details: unknown;
  readonly hint: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: SeedErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details;
    this.hint = options.hint;
    this.retryAfterMs = options.retryAfterMs;
  }

  get status(): number {
    return ERROR_CODES[this.code][0];
  }

  get exitCode(): number {
    return ERROR_CODES[this.code][1];
  }
}

export function isSeedError(error: unknown): error is SeedError {
  return error instanceof SeedError;
}

/** Any thrown value as a SeedError; what is not one already is `internal`, with the cause kept. */
export function toSeedError(error: unknown): SeedError {
  if (isSeedError(error)) return error;
  if ((error as NodeJS.ErrnoException | null)?.code === 'ENOSPC') {
    return new SeedError('storage_full', 'the disk is full', { cause: error, hint: 'free space in the data folder' });
  }
  return new SeedError('internal', error instanceof Error ? error.message : String(error), { cause: error });
}
