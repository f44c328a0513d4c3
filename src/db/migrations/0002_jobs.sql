-- up

CREATE TABLE jobs (
  id           uuid PRIMARY KEY,
  queue        text NOT NULL CHECK (queue <> ''),
  kind         text NOT NULL CHECK (kind <> ''),
  args         jsonb NOT NULL,
  state        text NOT NULL CHECK (state IN ('available', 'scheduled', 'executing', 'retryable', 'completed', 'discarded', 'cancelled')),
  priority     integer NOT NULL DEFAULT 0,
  attempt      integer NOT NULL DEFAULT 0,
  max_attempts integer NOT NULL CHECK (max_attempts > 0),
  fence        bigint NOT NULL DEFAULT 0,
  owner        text,
  lease_until  timestamptz,
  run_at       timestamptz NOT NULL DEFAULT now(),
  unique_key   text,
  serial_key   text,
  error        text,
  created_at   timestamptz NOT NULL DEFAULT now(),
  attempted_at timestamptz,
  finished_at  timestamptz,
  CHECK ((state = 'executing') = (lease_until IS NOT NULL)),
  CHECK ((state IN ('completed', 'discarded', 'cancelled')) = (finished_at IS NOT NULL))
);

CREATE INDEX jobs_waiting ON jobs (queue, priority, run_at, id) WHERE state IN ('available', 'scheduled', 'retryable');
CREATE INDEX jobs_executing ON jobs (lease_until) WHERE state = 'executing';
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;
-- One that has not ended per unique key; one that executes per serial key.
CREATE UNIQUE INDEX jobs_unique ON jobs (queue, unique_key)
  WHERE unique_key IS NOT NULL AND state IN ('available', 'scheduled', 'executing', 'retryable');
CREATE UNIQUE INDEX jobs_serial ON jobs (queue, serial_key) WHERE serial_key IS NOT NULL AND state = 'executing';

-- down

DROP TABLE jobs;
