-- Settings that were stored with config:set, and every change of them.
-- up
CREATE TABLE settings (
  name text PRIMARY KEY,
  value text NOT NULL,
  principal_kind text NOT NULL,
  principal_id text NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE settings_history (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL,
  -- null: there was none, or it was taken back.
  old_value text,
  new_value text,
  principal_kind text NOT NULL,
  principal_id text NOT NULL,
  at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX settings_history_name ON settings_history (name, id DESC);

-- down
DROP TABLE settings_history;
DROP TABLE settings;
