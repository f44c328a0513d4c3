-- Agents, their versions, what is live, the state of their instances, and the record of their calls.
-- up
CREATE TABLE agents (
  name text PRIMARY KEY,
  type text NOT NULL DEFAULT 'worker',
  summary text NOT NULL DEFAULT '',
  desired text NOT NULL DEFAULT 'running' CHECK (desired IN ('running', 'stopped')),
  source text NOT NULL DEFAULT 'upload' CHECK (source IN ('folder', 'upload')),
  config jsonb NOT NULL DEFAULT '{}',
  metrics jsonb NOT NULL DEFAULT '{}',
  owner_kind text NOT NULL,
  owner_id text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- The durable copy of the code store. The manifest is text: it is hashed and signed to the byte.
CREATE TABLE artifacts (
  hash text PRIMARY KEY,
  manifest text NOT NULL,
  signature text NOT NULL,
  key_id text NOT NULL,
  js text NOT NULL,
  map text NOT NULL,
  evaluation_js text,
  sources text NOT NULL,
  -- sha256 over paths and hashes of the sources: whether a folder is known already.
  sources_hash text NOT NULL,
  size_bytes integer NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX artifacts_sources_hash ON artifacts (sources_hash);

CREATE TABLE versions (
  agent text NOT NULL REFERENCES agents (name),
  number integer NOT NULL CHECK (number > 0),
  hash text NOT NULL REFERENCES artifacts (hash),
  parent text,
  proposer text NOT NULL,
  note text NOT NULL DEFAULT '',
  principal_kind text NOT NULL,
  principal_id text NOT NULL,
  -- staged: may be promoted. rejected: a gate refused it. The rest is what its last time live showed.
  verdict text NOT NULL DEFAULT 'staged'
    CHECK (verdict IN ('staged', 'rejected', 'observing', 'healthy', 'unverified', 'rolled_back', 'superseded')),
  verdict_reason text NOT NULL DEFAULT '',
  live_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (agent, number),
  UNIQUE (agent, hash)
);

-- The last number that an agent's versions were given: one that was removed is never given again.
CREATE TABLE version_numbers (
  agent text PRIMARY KEY REFERENCES agents (name),
  last integer NOT NULL CHECK (last > 0)
);

CREATE TABLE desired_state (
  agent text PRIMARY KEY REFERENCES agents (name),
  generation bigint NOT NULL CHECK (generation > 0),
  stable text,
  canary text,
  weight integer NOT NULL DEFAULT 0 CHECK (weight BETWEEN 0 AND 100),
  previous text,
  phase text NOT NULL DEFAULT 'idle' CHECK (phase IN ('idle', 'observing')),
  deadline timestamptz,
  reason text NOT NULL DEFAULT '',
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- One line a change of what is live: the history that code:rollback and the status page read.
CREATE TABLE swaps (
  id uuid PRIMARY KEY,
  agent text NOT NULL REFERENCES agents (name),
  generation bigint NOT NULL,
  from_hash text,
  to_hash text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('promote', 'rollback', 'automatic_rollback')),
  reason text NOT NULL DEFAULT '',
  principal_kind text NOT NULL,
  principal_id text NOT NULL,
  -- Microseconds from the decision to the flip of the pointer.
  duration_us bigint NOT NULL,
  verdict text NOT NULL DEFAULT 'observing' CHECK (verdict IN ('observing', 'healthy', 'unverified', 'rolled_back', 'superseded')),
  analysis jsonb,
  at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (agent, generation)
);

CREATE TABLE agent_states (
  agent text NOT NULL REFERENCES agents (name),
  key text NOT NULL,
  state text,
  state_hash text,
  revision bigint NOT NULL DEFAULT 0,
  node text,
  fence bigint NOT NULL DEFAULT 0,
  lease_until timestamptz,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (agent, key)
);

CREATE TABLE idempotency_keys (
  agent text NOT NULL REFERENCES agents (name),
  key text NOT NULL,
  input_hash text NOT NULL,
  call_id uuid NOT NULL,
  export text NOT NULL,
  version integer NOT NULL,
  hash text NOT NULL,
  output text NOT NULL,
  duration_us bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (agent, key)
);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);

CREATE TABLE calls (
  id uuid PRIMARY KEY,
  agent text NOT NULL,
  key text,
  export text NOT NULL,
  version integer NOT NULL,
  hash text NOT NULL,
  input text,
  journal text,
  output text,
  error text,
  logs text NOT NULL DEFAULT '[]',
  principal_kind text NOT NULL,
  principal_id text NOT NULL,
  started_at timestamptz NOT NULL,
  duration_us bigint NOT NULL,
  cpu_us bigint NOT NULL,
  redacted boolean NOT NULL DEFAULT false,
  truncated boolean NOT NULL DEFAULT false
);
CREATE INDEX calls_agent_started_at ON calls (agent, started_at DESC);
CREATE INDEX calls_agent_key ON calls (agent, key);

-- down
DROP TABLE calls;
DROP TABLE idempotency_keys;
DROP TABLE agent_states;
DROP TABLE swaps;
DROP TABLE desired_state;
DROP TABLE version_numbers;
DROP TABLE versions;
DROP TABLE artifacts;
DROP TABLE agents;
