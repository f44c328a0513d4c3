-- Which outputs are the list of a stream's chunks: its contract describes one of them.
-- up
ALTER TABLE calls ADD COLUMN streamed boolean NOT NULL DEFAULT false;
ALTER TABLE idempotency_keys ADD COLUMN streamed boolean NOT NULL DEFAULT false;

-- down
ALTER TABLE idempotency_keys DROP COLUMN streamed;
ALTER TABLE calls DROP COLUMN streamed;
