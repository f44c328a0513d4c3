// What the pipeline needs of the world to let a better version go live.
import type { SourceFiles } from '#kernel/compiler/artifact.ts';
import type { ApprovalRequest } from './approval-request.ts';
import type { ApprovalDecision, ReplaySummary } from './events.ts';

export interface ObservationEnd {
  verdict: 'healthy' | 'unverified' | 'rolled_back' | 'superseded';
  reason: string;
}

export interface RehearsalSummary {
  /** States that were looked at, and those that were changed. */
  states: number;
  changed: number;
  /** Whether a rollback could take them back. */
  down: 'exact' | 'lossy' | 'none' | null;
}

/** Port: what the world does with the winner. */
export interface Promotion {
  /** Puts it into the store with what its manifest is to say. Doing it twice is doing it once. */
  stage(
    sources: SourceFiles,
    said: { reports: Readonly<Record<string, unknown>>; promptHash: string | null },
  ): Promise<{ hash: string; version: number }>;
  /** Makes calls that were recorded of the version before again with this one. */
  replay(hash: string, signal: AbortSignal): Promise<ReplaySummary>;
  /** Its codeChange on copies of real states; null: it has nothing to do with them. @throws SeedError `validation_failed` */
  rehearse(hash: string): Promise<RehearsalSummary | null>;
  /** Asks for leave to go live, once however often it is called. @returns `decision` null: nobody has answered yet */
  approval(request: ApprovalRequest): Promise<{ id: string; decision: ApprovalDecision | null }>;
  /** @returns null when it is live already (a pipeline that goes on after a crash) */
  promote(hash: string, reason: string): Promise<{ generation: number; swapUs: number } | null>;
  /** Resolves when the observation has ended. */
  observed(hash: string, signal: AbortSignal): Promise<ObservationEnd>;
}
