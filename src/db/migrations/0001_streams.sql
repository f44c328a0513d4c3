-- up

-- One row per stream. Appending moves `version` on, which locks the row: writers of one stream take turns,
-- versions have no gaps, and an expected version is compared with what is committed, not with what was read.
CREATE TABLE streams (
  stream        text PRIMARY KEY CHECK (stream <> '' AND length(stream) <= 200),
  version       bigint NOT NULL CHECK (version >= 0),
  parent_stream text REFERENCES streams (stream),
  fork_version  bigint NOT NULL DEFAULT 0,
  created_at    timestamptz NOT NULL DEFAULT now(),
  CHECK ((parent_stream IS NULL) = (fork_version = 0)),
  CHECK (fork_version <= version)
);
CREATE INDEX streams_parent ON streams (parent_stream) WHERE parent_stream IS NOT NULL;

-- `transaction_id` is what readers of all streams compare with the oldest running transaction: identity order is not commit order.
CREATE TABLE events (
  position       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  stream         text NOT NULL,
  version        bigint NOT NULL CHECK (version > 0),
  type           text NOT NULL CHECK (type <> ''),
  type_version   integer NOT NULL CHECK (type_version > 0),
  data           jsonb NOT NULL,
  meta           jsonb NOT NULL,
  at             timestamptz NOT NULL DEFAULT now(),
  transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
  CONSTRAINT events_stream_version UNIQUE (stream, version)
);
CREATE INDEX events_type ON events (type, position);

CREATE FUNCTION events_are_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'events are immutable: % refused', TG_OP USING ERRCODE = 'object_not_in_prerequisite_state';
END $$;
CREATE TRIGGER events_are_immutable BEFORE UPDATE OR DELETE ON events FOR EACH STATEMENT EXECUTE FUNCTION events_are_immutable();

-- A cache: may be emptied at any time.
CREATE TABLE snapshots (
  stream         text NOT NULL REFERENCES streams (stream) ON DELETE CASCADE,
  name           text NOT NULL,
  schema_version integer NOT NULL,
  version        bigint NOT NULL,
  state          jsonb NOT NULL,
  at             timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (stream, name)
);

-- How far a reader of all streams has come, and which node reads for it.
CREATE TABLE checkpoints (
  processor   text PRIMARY KEY,
  position    bigint NOT NULL DEFAULT 0,
  fence       bigint NOT NULL DEFAULT 0,
  owner       text,
  lease_until timestamptz,
  updated_at  timestamptz NOT NULL DEFAULT now()
);

-- Written in the transaction of what it announces, deleted when it has been published.
CREATE TABLE outbox (
  position       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  topic          text NOT NULL,
  key            text NOT NULL,
  event_position bigint,
  payload        jsonb,
  created_at     timestamptz NOT NULL DEFAULT now(),
  transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
  CHECK ((event_position IS NULL) <> (payload IS NULL))
);

-- down

DROP TABLE outbox;
DROP TABLE checkpoints;
DROP TABLE snapshots;
DROP TABLE events;
DROP FUNCTION events_are_immutable();
DROP TABLE streams;
