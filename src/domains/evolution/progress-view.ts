// What happened in an improvement, as operations show it: reports of its stages, and the data of its events.
import { z } from 'zod';
import type { ImprovementEvent, PairedReport } from '#improvement/events.ts';

const pairedShape = {
  draws: z.int(),
  baseMean: z.number(),
  mean: z.number(),
  gain: z.number().describe('in the direction of the objective: positive is better'),
  relativeGain: z.number(),
  gainLow: z.number().optional().describe('95 % confidence interval of the gain, from'),
  gainHigh: z.number().optional().describe('and to'),
  wins: z.int(),
  losses: z.int(),
  p: z.number().describe('how likely so large a gain would be by luck'),
} satisfies Record<keyof PairedReport, z.ZodType>;

/** Scores of a candidate beside those of the base version, on the same draws. */
export const pairedReport = z.object(pairedShape);

/** A task that decides nothing: its scores, or why there are none. */
const taskReport = z.object({
  task: z.string(),
  report: pairedReport.optional(),
  failed: z.string().optional(),
});

/** The same for a table: what a row has to say stands in the row itself. */
export const shownTask = z.object({
  task: z.string(),
  baseline: z.number().nullable().describe('of the version it was made from'),
  score: z.number().nullable().describe('of the winner, on the same draws'),
  failed: z.string().nullable().describe('why it could not be scored'),
  report: pairedReport.nullable(),
});

/** Each stage fills its own part. */
export const stageReport = z
  .object({
    ...pairedShape,
    candidates: z.int(),
    evaluated: z.int(),
    passed: z.int(),
    winner: z.int().nullable(),
    hash: z.string(),
    version: z.int(),
    generation: z.int(),
    swapUs: z.number(),
    verdict: z.string(),
    reason: z.string(),
    calls: z.int().describe('recorded calls that were made again'),
    same: z.int(),
    better: z.int().describe('failed then, answered now'),
    worse: z.int().describe('answered then, failed now'),
    unknown: z.int(),
    examples: z.array(z.object({ callId: z.string(), verdict: z.string(), why: z.string() })),
    states: z.int().describe('stored states that it was tried on'),
    changed: z.int(),
    down: z.string().nullable(),
    decision: z.string(),
    by: z.string(),
    note: z.string(),
  })
  .partial()
  .nullable();

export const proposedCandidate = z.object({
  files: z.record(z.string(), z.string()).describe('those that differ from the version it was made from: path → text'),
  selection: z.number(),
  note: z.string(),
  id: z.string().optional().describe('in the lineage, below its agent'),
  scores: z.array(z.number()).optional().describe('one a selection draw'),
  promptHash: z.string().optional().describe('of what its author was asked'),
  parent: z.string().nullable().optional().describe('id of the candidate that it was made from; null or absent: of the version'),
});

type MembersOf<Data> = Data extends unknown ? keyof Data : never;
/** All but what no proposer may learn: the draws of validation and test follow from it. */
type ShownMember = Exclude<MembersOf<ImprovementEvent['data']>, 'secretSeed'>;

/** Which members there are follows from the event's type. */
export const eventData = z
  .object({
    id: z.string(),
    jobId: z.string(),
    agent: z.string(),
    proposer: z.string(),
    trigger: z.string(),
    goal: z.string(),
    budgetMs: z.int(),
    seed: z.int(),
    baseHash: z.string(),
    baseVersion: z.int(),
    fingerprint: z.string(),
    stage: z.string(),
    durationMs: z.number(),
    report: stageReport,
    generation: z.int(),
    evaluated: z.int(),
    perSecond: z.number(),
    best: z.number(),
    baseline: z.number(),
    elapsedMs: z.number(),
    candidates: z.array(proposedCandidate),
    searchMs: z.number(),
    index: z.int(),
    reason: z.string(),
    selection: z.number().nullable(),
    scores: z.array(z.number()).describe('one a selection draw'),
    parent: z.string().nullable(),
    hash: z.string(),
    version: z.int(),
    swapUs: z.number(),
    phase: z.string(),
    reported: z.array(taskReport),
    kind: z.string().describe('what the proposer is doing: text, tool or file'),
    text: z.string(),
    inputTokens: z.int(),
    outputTokens: z.int(),
    costMicroUsd: z.int(),
    promptHash: z.string(),
    files: z.record(z.string(), z.string()),
    note: z.string(),
    approvalId: z.string(),
    decision: z.string(),
    by: z.string(),
  } satisfies Record<ShownMember, z.ZodType>)
  .partial();

/** What came of it: scores as they are quoted. */
export const improvementSummary = z.object({
  outcome: z.string(),
  baseline: z.number().nullable(),
  selection: z.number().nullable(),
  validation: z.number().nullable(),
  test: z.number().nullable(),
  also: z.string().nullable().describe('tasks that decide nothing: before → now'),
  version: z.int().nullable().describe('the version that is live now'),
  swapMs: z.number().nullable(),
});
