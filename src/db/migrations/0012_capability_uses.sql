-- What agents did beyond their own isolate, one row for each use of a capability. Only added to.
-- up
CREATE TABLE capability_uses (
  at timestamptz NOT NULL,
  agent text NOT NULL,
  version integer NOT NULL,
  call_id uuid NOT NULL,
  seq integer NOT NULL,
  principal_kind text NOT NULL,
  principal_id text NOT NULL,
  capability text NOT NULL,
  target text,
  outcome text NOT NULL,
  code text,
  detail text,
  bytes_out bigint NOT NULL,
  bytes_in bigint NOT NULL,
  duration_us bigint NOT NULL
);
CREATE INDEX capability_uses_at ON capability_uses (at DESC);
CREATE INDEX capability_uses_agent ON capability_uses (agent, at DESC);
CREATE INDEX capability_uses_call ON capability_uses (call_id, seq);

-- down
DROP TABLE capability_uses;
