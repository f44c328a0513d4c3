-- What people said of recorded calls: one verdict for each person and call. It goes with its call.
-- up
CREATE TABLE call_feedback (
  call_id uuid NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
  principal_kind text NOT NULL,
  principal_id text NOT NULL,
  agent text NOT NULL,
  -- Of the version that answered.
  hash text NOT NULL,
  verdict text NOT NULL CHECK (verdict IN ('good', 'bad')),
  -- JSON, without what the contract marks as secret.
  expected text,
  note text NOT NULL DEFAULT '',
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (call_id, principal_kind, principal_id)
);
CREATE INDEX call_feedback_agent ON call_feedback (agent, hash, at DESC);

-- down
DROP TABLE call_feedback;
