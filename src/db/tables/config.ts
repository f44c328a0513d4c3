// Settings that were stored with config:set, and every change of them.
import { defaulted, identity, nullable, text, timestamp } from '../columns.ts';

export const configTables = {
  settings: {
    name: text(),
    value: text(),
    principal_kind: text(),
    principal_id: text(),
    updated_at: defaulted(timestamp()),
  },
  settings_history: {
    id: identity(),
    name: text(),
    old_value: nullable(text()),
    new_value: nullable(text()),
    principal_kind: text(),
    principal_id: text(),
    at: defaulted(timestamp()),
  },
} as const;
