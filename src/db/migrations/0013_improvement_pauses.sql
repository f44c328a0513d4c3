-- When all improvements were stopped on purpose: by whom, why, and who let them go on. Only added to.
-- up
CREATE TABLE improvement_pauses (
  id uuid PRIMARY KEY,
  reason text NOT NULL,
  principal_kind text NOT NULL,
  principal_id text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz,
  end_kind text,
  end_id text
);
-- One that is open.
CREATE UNIQUE INDEX improvement_pauses_open ON improvement_pauses ((ended_at IS NULL)) WHERE ended_at IS NULL;

-- down
DROP TABLE improvement_pauses;
