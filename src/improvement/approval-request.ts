// What is put before whoever lets a better version go live: what it is, how good it is, what it changes, what may go wrong. Pure.
import type { BaseVersion } from './base-version.ts';
import type { PairedReport, ReplaySummary } from './events.ts';
import type { Improvement } from './improvement.ts';

export interface ApprovalRequest {
  improvement: string;
  agent: string;
  title: string;
  description: string;
  /** What rules look at: plain values. */
  payload: Readonly<Record<string, string | number | boolean>>;
  /** For people. */
  context: Readonly<Record<string, unknown>>;
  risk: 'low' | 'medium' | 'high';
  riskFactors: readonly string[];
  /** False: a person must decide, whatever rules say. */
  byRules: boolean;
}

export function approvalRequest(state: Improvement, base: BaseVersion): ApprovalRequest {
  const { queued, staged, winner, tested, spent } = state;
  if (queued === null || staged === null || winner === null) throw new Error('nothing to be approved');
  const { agent, id, proposer, baseVersion } = queued;
  const candidate = state.candidates?.[winner.index];
  const files = Object.keys(candidate?.files ?? {});
  const replay = reportOf<ReplaySummary>(state, 'replay');
  const rehearsal = reportOf<{ states: number; changed: number; down: string | null }>(state, 'rehearsal');
  const riskFactors = [
    ...(proposer === 'genetic' ? [] : [`written by ${proposer}`]),
    ...(files.some((file) => base.sources[file] === undefined) ? ['adds files'] : []),
    ...(replay !== null && replay.unknown > 0
      ? [`answers ${replay.unknown} of ${replay.calls} recorded calls otherwise, or nobody knows`]
      : []),
    ...(rehearsal !== null && rehearsal.changed > 0
      ? [`changes the shape of stored states (${rehearsal.changed} of ${rehearsal.states} tried)`]
      : []),
    ...(rehearsal?.down === 'none' || rehearsal?.down === 'lossy'
      ? [`a rollback can not take its states back exactly (${rehearsal.down})`]
      : []),
  ];
  const risk = rehearsal?.down === 'none' || rehearsal?.down === 'lossy' ? 'high' : riskFactors.length > 0 ? 'medium' : 'low';
  const { name = 'score' } = base.contract.objective ?? {};
  return {
    improvement: id,
    agent,
    title: `${agent} v${staged.version} in place of v${baseVersion}`,
    description: `${name}: ${words(winner.report)} on validation${tested === null ? '' : `, ${words(tested)} on the test set`}. By ${proposer}: ${candidate?.note ?? ''}`,
    payload: {
      agent,
      improvement: id,
      proposer,
      trigger: queued.trigger,
      version: staged.version,
      hash: staged.hash,
      base_version: baseVersion,
      relative_gain: winner.report.relativeGain,
      p: winner.report.p,
      cost_micro_usd: spent.costMicroUsd,
      replay_worse: replay?.worse ?? 0,
      replay_unknown: replay?.unknown ?? 0,
      risk,
    },
    context: {
      files: candidate?.files ?? {},
      diff: `seed code:diff ${agent} v${baseVersion} v${staged.version}`,
      selection: candidate?.selection ?? null,
      validation: winner.report,
      test: tested,
      reported: state.reported,
      replay,
      rehearsal,
      spent,
      candidates: state.evaluated,
    },
    risk,
    riskFactors,
    byRules: base.contract.improvement.approval === 'rule',
  };
}

function reportOf<T>(state: Improvement, stage: string): T | null {
  return (state.stages.find((known) => known.stage === stage)?.report as T | undefined) ?? null;
}

function words({ baseMean, mean, gainLow, gainHigh, wins, draws, p }: PairedReport): string {
  const interval = gainLow === undefined || gainHigh === undefined ? '' : `, gain ${gainLow.toFixed(3)} to ${gainHigh.toFixed(3)}`;
  return `${baseMean.toFixed(3)} → ${mean.toFixed(3)} (${wins} of ${draws} draws${interval}, p ${p.toPrecision(2)})`;
}
