-- Calls that have left their host until what they wait for is there: read model of the call-* streams, beside what is needed to go on.
-- up
CREATE TABLE parked_calls (
  id uuid PRIMARY KEY,
  agent text NOT NULL REFERENCES agents (name),
  key text,
  export text NOT NULL,
  version integer NOT NULL,
  hash text NOT NULL,
  state text NOT NULL CHECK (state IN ('parked', 'running', 'done', 'failed', 'cancelled')),
  -- What it waits for: [{request, kind, dueMs}], without those that have their answer. What was asked is sealed.
  open jsonb NOT NULL DEFAULT '[]',
  -- Grows with every run: the right to commit what became of it.
  fence bigint NOT NULL DEFAULT 0,
  -- The run that is under way has begun something that can not be taken back.
  has_effects boolean NOT NULL DEFAULT false,
  -- The job that wakes it when the first of its waits is over by itself.
  due_job uuid,
  principal_kind text NOT NULL,
  principal_id text NOT NULL,
  -- Input, journal, answers and result, encrypted.
  sealed text NOT NULL,
  -- Code of the error it ended with.
  error text,
  started_at timestamptz NOT NULL,
  parked_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz
);
CREATE INDEX parked_calls_agent ON parked_calls (agent, started_at DESC);
CREATE INDEX parked_calls_live ON parked_calls (agent) WHERE state IN ('parked', 'running');

-- The answer of a parked call is not there yet.
ALTER TABLE idempotency_keys ALTER COLUMN output DROP NOT NULL;
CREATE INDEX idempotency_keys_parked ON idempotency_keys (call_id) WHERE output IS NULL;

-- down
DROP INDEX idempotency_keys_parked;
DELETE FROM idempotency_keys WHERE output IS NULL;
ALTER TABLE idempotency_keys ALTER COLUMN output SET NOT NULL;
DROP TABLE parked_calls;
