-- Versions that ended their sandbox hosts too often, and who let them out again, and why.
-- up
CREATE TABLE quarantines (
  id uuid PRIMARY KEY,
  agent text NOT NULL REFERENCES agents (name),
  hash text NOT NULL,
  -- Of the built script: the same code in another version is kept back with it.
  js_hash text NOT NULL,
  reason text NOT NULL,
  strikes integer NOT NULL,
  principal_kind text NOT NULL,
  principal_id text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  released_at timestamptz,
  release_kind text,
  release_id text,
  release_reason text
);
-- One that is open for each version.
CREATE UNIQUE INDEX quarantines_open ON quarantines (agent, hash) WHERE released_at IS NULL;

-- down
DROP TABLE quarantines;
