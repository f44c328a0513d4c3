// An improvement as the page sees it.
import type { ScorePoint } from '../score-plot.ts';

export interface ImprovementView {
  id: string;
  agent: string;
  state: string;
  proposer: string;
  reason: string;
  baseVersion: number | null;
  version: number | null;
  baseline: number | null;
  selection: number | null;
  validation: number | null;
  test: number | null;
  evaluated: number;
  swapMs: number | null;
  durationMs: number | null;
}
export interface ImprovementDetail extends ImprovementView {
  stages: readonly { stage: string; state: string; durationMs: number | null }[];
  progress: readonly ScorePoint[];
  reported: readonly { task: string; baseline: number | null; score: number | null; failed: string | null }[];
}
export interface ObjectiveView {
  name: string;
  unit?: string;
  direction: string;
}
/** States that nothing follows. */
export const ENDED = new Set(['live', 'no_gain', 'rejected', 'rolled_back', 'failed', 'cancelled']);

/** The colour of a state. */
export function badge(state: string): 'good' | 'bad' | 'watch' {
  if (state === 'live') return 'good';
  return state === 'failed' || state === 'rolled_back' || state === 'rejected' ? 'bad' : 'watch';
}
