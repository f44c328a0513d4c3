// Read model of the improvement-* streams.
import { bigint, defaulted, double, integer, nullable, text, timestamp, uuid } from '../columns.ts';

export type ImprovementState =
  | 'queued'
  | 'generating'
  | 'validating'
  | 'staged'
  | 'waiting'
  | 'promoting'
  | 'verifying'
  | 'live'
  | 'no_gain'
  | 'rejected'
  | 'rolled_back'
  | 'failed'
  | 'cancelled';

export const improvementTables = {
  improvements: {
    id: uuid(),
    agent: text(),
    state: text<ImprovementState>(),
    proposer: text(),
    trigger: text(),
    reason: defaulted(text()),
    base_hash: text(),
    base_version: nullable(integer()),
    hash: nullable(text()),
    version: nullable(integer()),
    baseline: nullable(double()),
    selection: nullable(double()),
    validation: nullable(double()),
    test: nullable(double()),
    evaluated: defaulted(integer()),
    swap_us: nullable(bigint()),
    principal_kind: text(),
    principal_id: text(),
    created_at: timestamp(),
    finished_at: nullable(timestamp()),
    fingerprint: defaulted(text()),
  },
  improvement_pauses: {
    id: uuid(),
    reason: text(),
    principal_kind: text(),
    principal_id: text(),
    at: defaulted(timestamp()),
    ended_at: nullable(timestamp()),
    end_kind: nullable(text()),
    end_id: nullable(text()),
  },
  improvement_spending: {
    improvement_id: uuid(),
    event_version: integer(),
    agent: text(),
    cost_micro_usd: bigint(),
    at: timestamp(),
  },
} as const;
