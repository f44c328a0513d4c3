// Who is signed in, and who did what.
import { integer, nullable, text, timestamp, uuid } from '../columns.ts';

export const identityTables = {
  sign_in_sessions: {
    id: uuid(),
    /** sha256 of the secret in the cookie, hex. */
    secret_hash: text(),
    principal_id: text(),
    created_at: timestamp(),
    /** At most a minute old while the session is used. */
    last_seen_at: timestamp(),
    expires_at: timestamp(),
  },
  activity: {
    id: uuid(),
    at: timestamp(),
    principal_kind: text(),
    principal_id: text(),
    operation: text(),
    target: nullable(text()),
    /** `ok`, or the code of the error. */
    outcome: text(),
    duration_ms: integer(),
    request_id: text(),
  },
} as const;
