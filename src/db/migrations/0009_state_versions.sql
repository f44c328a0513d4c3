-- Which version of the state an instance has, what it was before, and which instances a rollback left where they are.
-- up
ALTER TABLE agent_states
  ADD COLUMN state_version integer NOT NULL DEFAULT 1 CHECK (state_version > 0),
  -- The revision that a call wrote last; a later one only has another version of the state.
  ADD COLUMN written_revision bigint NOT NULL DEFAULT 0,
  ADD COLUMN migrations bigint NOT NULL DEFAULT 0,
  ADD COLUMN frozen_hash text,
  ADD COLUMN frozen_reason text NOT NULL DEFAULT '',
  ADD COLUMN frozen_at timestamptz,
  ADD COLUMN frozen_kept boolean NOT NULL DEFAULT false;
UPDATE agent_states SET written_revision = revision;
CREATE INDEX agent_states_state_version ON agent_states (agent, state_version);
CREATE INDEX agent_states_frozen ON agent_states (agent) WHERE frozen_hash IS NOT NULL;

CREATE TABLE state_snapshots (
  agent text NOT NULL,
  key text NOT NULL,
  state_version integer NOT NULL,
  state text NOT NULL,
  state_hash text NOT NULL,
  -- Of the instance when this was its state.
  revision bigint NOT NULL,
  taken_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (agent, key, state_version),
  FOREIGN KEY (agent, key) REFERENCES agent_states (agent, key) ON DELETE CASCADE
);
CREATE INDEX state_snapshots_taken_at ON state_snapshots (taken_at);

-- down
DROP TABLE state_snapshots;
DROP INDEX agent_states_frozen;
DROP INDEX agent_states_state_version;
ALTER TABLE agent_states
  DROP COLUMN frozen_kept,
  DROP COLUMN frozen_at,
  DROP COLUMN frozen_reason,
  DROP COLUMN frozen_hash,
  DROP COLUMN migrations,
  DROP COLUMN written_revision,
  DROP COLUMN state_version;
