-- Read model of the improvement-* streams, changed in the transaction of every append.
-- up
CREATE TABLE improvements (
  id uuid PRIMARY KEY,
  agent text NOT NULL,
  state text NOT NULL,
  proposer text NOT NULL,
  trigger text NOT NULL,
  reason text NOT NULL DEFAULT '',
  base_hash text NOT NULL,
  base_version integer,
  hash text,
  version integer,
  baseline double precision,
  selection double precision,
  validation double precision,
  test double precision,
  evaluated integer NOT NULL DEFAULT 0,
  swap_us bigint,
  principal_kind text NOT NULL,
  principal_id text NOT NULL,
  created_at timestamptz NOT NULL,
  finished_at timestamptz
);
CREATE INDEX improvements_created_at ON improvements (created_at DESC);
CREATE INDEX improvements_agent ON improvements (agent, created_at DESC);

-- down
DROP TABLE improvements;
