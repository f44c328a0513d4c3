-- What improvements cost and when, and what makes two requests for one the same.
-- up
-- Read model of the improvement-* streams: one row for each step of a proposer that was paid for.
CREATE TABLE improvement_spending (
  improvement_id uuid NOT NULL REFERENCES improvements (id),
  event_version integer NOT NULL,
  agent text NOT NULL,
  cost_micro_usd bigint NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (improvement_id, event_version)
);
CREATE INDEX improvement_spending_at ON improvement_spending (at, agent);
ALTER TABLE improvements ADD COLUMN fingerprint text NOT NULL DEFAULT '';
CREATE INDEX improvements_fingerprint ON improvements (agent, fingerprint);

-- down
DROP INDEX improvements_fingerprint;
ALTER TABLE improvements DROP COLUMN fingerprint;
DROP TABLE improvement_spending;
