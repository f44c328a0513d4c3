-- Questions to people (read model of the approval-* streams, changed in the transaction of every append) and the rules that answer them.
-- up
CREATE TABLE approval_items (
  id uuid PRIMARY KEY,
  approval_type text NOT NULL,
  state text NOT NULL CHECK (state IN ('pending', 'approved', 'denied', 'auto_approved', 'expired')),
  decision text CHECK (decision IN ('approved', 'denied')),
  -- 0 low … 3 critical: a number, so that it can be ordered by.
  priority integer NOT NULL CHECK (priority BETWEEN 0 AND 3),
  title text NOT NULL,
  description text NOT NULL,
  payload jsonb NOT NULL,
  modified_payload jsonb,
  context jsonb NOT NULL,
  source_type text NOT NULL,
  source_id text,
  session_id text,
  workflow_id text,
  risk_level text NOT NULL,
  risk_factors jsonb NOT NULL,
  owner_kind text NOT NULL,
  owner_id text NOT NULL,
  decided_kind text,
  decided_id text,
  decided_at timestamptz,
  note text NOT NULL DEFAULT '',
  rule_id uuid,
  timeout_action text NOT NULL,
  escalated boolean NOT NULL DEFAULT false,
  expires_at timestamptz,
  created_at timestamptz NOT NULL,
  CHECK ((state = 'pending') = (decision IS NULL))
);
CREATE INDEX approval_items_pending ON approval_items (priority DESC, created_at) WHERE state = 'pending';
CREATE INDEX approval_items_source ON approval_items (source_type, source_id);

CREATE TABLE approval_rules (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  description text NOT NULL,
  status text NOT NULL CHECK (status IN ('active', 'disabled')),
  approval_type text NOT NULL,
  tool_names jsonb NOT NULL,
  conditions jsonb NOT NULL,
  action text NOT NULL CHECK (action IN ('approve', 'deny', 'require_review')),
  action_note text NOT NULL,
  max_per_hour integer CHECK (max_per_hour >= 0),
  max_per_session integer CHECK (max_per_session >= 0),
  hour_count integer NOT NULL DEFAULT 0,
  hour_started_at timestamptz,
  priority integer NOT NULL CHECK (priority >= 0),
  times_triggered bigint NOT NULL DEFAULT 0,
  last_triggered_at timestamptz,
  applies_to_sessions jsonb NOT NULL,
  applies_to_workflows jsonb NOT NULL,
  owner_kind text NOT NULL,
  owner_id text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (owner_kind, owner_id, name)
);

-- How often a rule has approved something in a session.
CREATE TABLE approval_rule_sessions (
  rule_id uuid NOT NULL REFERENCES approval_rules (id) ON DELETE CASCADE,
  session_id text NOT NULL,
  count integer NOT NULL,
  PRIMARY KEY (rule_id, session_id)
);

-- down
DROP TABLE approval_rule_sessions;
DROP TABLE approval_rules;
DROP TABLE approval_items;
