-- Who is signed in, and who did what.
-- up
CREATE TABLE sign_in_sessions (
  id uuid PRIMARY KEY,
  secret_hash text NOT NULL UNIQUE CHECK (secret_hash ~ '^[0-9a-f]{64}$'),
  principal_id text NOT NULL,
  created_at timestamptz NOT NULL,
  last_seen_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX sign_in_sessions_expires_at ON sign_in_sessions (expires_at);

-- One row for each operation that changed something, or tried to. Only added to.
CREATE TABLE activity (
  id uuid PRIMARY KEY,
  at timestamptz NOT NULL,
  principal_kind text NOT NULL,
  principal_id text NOT NULL,
  operation text NOT NULL,
  target text,
  outcome text NOT NULL,
  duration_ms integer NOT NULL,
  request_id text NOT NULL
);
CREATE INDEX activity_at ON activity (at DESC);
CREATE INDEX activity_principal ON activity (principal_kind, principal_id, at DESC);
CREATE INDEX activity_operation ON activity (operation, at DESC);

-- down
DROP TABLE activity;
DROP TABLE sign_in_sessions;
