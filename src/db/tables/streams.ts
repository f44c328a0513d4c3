// Streams, their events, snapshots, the readers' checkpoints, and what waits to be published.
import { bigint, defaulted, identity, integer, json, nullable, text, timestamp, transactionId } from '../columns.ts';

/** Who caused an event, and in what course of things; the same for every event of one append. */
export interface EventMeta {
  actor: { kind: string; id: string };
  correlationId?: string;
  causationId?: string;
}

export const streamTables = {
  streams: {
    stream: text(),
    /** Of the last event, the parent's prefix included; 0: none. */
    version: bigint(),
    parent_stream: nullable(text()),
    /** Versions up to this one are read from the parent. */
    fork_version: defaulted(bigint()),
    created_at: defaulted(timestamp()),
  },
  events: {
    position: identity(),
    stream: text(),
    version: bigint(),
    type: text(),
    type_version: integer(),
    data: json(),
    meta: json<EventMeta>(),
    at: defaulted(timestamp()),
    transaction_id: transactionId(),
  },
  snapshots: {
    stream: text(),
    name: text(),
    schema_version: integer(),
    version: bigint(),
    state: json(),
    at: defaulted(timestamp()),
  },
  checkpoints: {
    processor: text(),
    position: defaulted(bigint()),
    fence: defaulted(bigint()),
    owner: nullable(text()),
    lease_until: nullable(timestamp()),
    updated_at: defaulted(timestamp()),
  },
  outbox: {
    position: identity(),
    topic: text(),
    key: text(),
    /** The event that is published; null: `payload` is. */
    event_position: nullable(bigint()),
    payload: nullable(json()),
    created_at: defaulted(timestamp()),
    transaction_id: transactionId(),
  },
} as const;
