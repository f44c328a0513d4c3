// One thing in the lineage of an agent: a version, or a candidate that did not become one.
import { z } from 'zod';

const paired = z
  .object({
    mean: z.number(),
    base: z.number().describe('of the version it was made from, on the same draws'),
    gain: z.number().describe('positive is better, whichever way the objective goes'),
    p: z.number().describe('how likely so large a gain would be by luck'),
    draws: z.int(),
  })
  .nullable();

export const lineageItem = z.object({
  id: z.string().describe('hash of a version; of a candidate the improvement and the first digits of the hash of its changed files'),
  kind: z.enum(['version', 'candidate']),
  version: z.int().nullable().describe('null: it did not become one'),
  hash: z.string().nullable(),
  parent: z.string().nullable().describe('id of what it was made from'),
  status: z
    .enum(['active', 'previous', 'staged', 'rejected', 'retired', 'refused', 'not_chosen', 'open'])
    .describe('of a version as in code:list; refused: a gate did; not_chosen: another one was better; open: not decided yet'),
  verdict: z.string().describe('what its last time live showed; empty for a candidate'),
  quarantined: z.string().nullable().describe('why it does not go live again by itself'),
  reason: z.string(),
  proposer: z.string(),
  promptHash: z.string().nullable().describe('of what the proposer was asked'),
  improvement: z.string().nullable().describe('id of the improvement that made it; null: made by hand'),
  selection: z.number().nullable().describe('what the search saw: never a result'),
  validation: paired.describe('what decided'),
  test: paired.describe('what is quoted: decided nothing'),
  costMicroUsd: z.int().nullable().describe('of the whole improvement, which all of its candidates share'),
  approvedBy: z.string().nullable().describe('who said that it may go live; null: nobody was asked, or has not said'),
  createdBy: z.string(),
  createdAt: z.string(),
  liveAt: z.string().nullable(),
});

export type LineageItem = z.infer<typeof lineageItem>;
export type PairedScore = z.infer<typeof paired>;
