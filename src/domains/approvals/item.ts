// An approval item: a question to a person, as its events leave it. Pure.
import type { Event } from '#db/events.ts';
import { SeedError } from '#lib/error.ts';

export const APPROVAL_TYPES = ['tool_use', 'file_write', 'shell_command', 'workflow_step', 'improvement', 'operation', 'custom'] as const;
export type ApprovalType = (typeof APPROVAL_TYPES)[number];

/** Lowest first. */
export const PRIORITIES = ['low', 'normal', 'high', 'critical'] as const;
export type Priority = (typeof PRIORITIES)[number];

export const RISK_LEVELS = ['low', 'medium', 'high', 'critical'] as const;
export type RiskLevel = (typeof RISK_LEVELS)[number];

export const TIMEOUT_ACTIONS = ['deny', 'approve', 'escalate'] as const;
export type TimeoutAction = (typeof TIMEOUT_ACTIONS)[number];

export const SOURCES = ['tool_use', 'workflow_step', 'improvement', 'operation', 'manual'] as const;
export type ApprovalSource = (typeof SOURCES)[number];

/** pending: nobody has answered. auto_approved: a rule has. expired: time has, as the timeout action says. */
export const ITEM_STATES = ['pending', 'approved', 'denied', 'auto_approved', 'expired'] as const;
export type ItemState = (typeof ITEM_STATES)[number];

export interface Who {
  kind: string;
  id: string;
}

/** What is asked. */
export interface Question {
  approvalType: ApprovalType;
  sourceType: ApprovalSource;
  /** Of what waits for the answer; null for an item that was opened by hand. */
  sourceId: string | null;
  sessionId: string | null;
  workflowId: string | null;
  title: string;
  description: string;
  /** JSON: what rules look at, and what is done when it is approved. */
  payload: Readonly<Record<string, unknown>>;
  /** JSON, for people alone. */
  context: Readonly<Record<string, unknown>>;
  priority: Priority;
  riskLevel: RiskLevel;
  riskFactors: readonly string[];
  /** Whose rules it is held against. */
  owner: Who;
  /** How long it may wait, ms; null: for ever. */
  timeoutMs: number | null;
  timeoutAction: TimeoutAction;
}

/** By a person, by a rule, or by time. */
export interface Decision {
  by: Who;
  note: string;
  ruleId: string | null;
}

export type ApprovalEvent =
  | Event<'approval_opened', Question & { expiresAt: string | null }>
  | Event<'approval_approved', Decision & { modifiedPayload: Readonly<Record<string, unknown>> | null }>
  | Event<'approval_denied', Decision>
  /** Nobody has answered in time. */
  | Event<'approval_expired', { decision: 'approved' | 'denied' }>
  /** Nobody has answered in time: it is asked once more, more loudly. */
  | Event<'approval_escalated', { priority: Priority; expiresAt: string }>;

export interface Item {
  question: Question | null;
  state: ItemState;
  /** What follows from it; null while it is pending. */
  decision: 'approved' | 'denied' | null;
  priority: Priority;
  expiresAt: string | null;
  escalated: boolean;
  /** What is to be done instead of the payload that was asked about. */
  modifiedPayload: Readonly<Record<string, unknown>> | null;
}

export const NO_ITEM: Item = {
  question: null,
  state: 'pending',
  decision: null,
  priority: 'normal',
  expiresAt: null,
  escalated: false,
  modifiedPayload: null,
};

export function evolve(item: Item, event: ApprovalEvent): Item {
  switch (event.type) {
    case 'approval_opened': {
      const { expiresAt, ...question } = event.data;
      return { ...item, question, priority: question.priority, expiresAt };
    }
    case 'approval_approved':
      return {
        ...item,
        state: event.data.ruleId === null ? 'approved' : 'auto_approved',
        decision: 'approved',
        modifiedPayload: event.data.modifiedPayload,
      };
    case 'approval_denied':
      return { ...item, state: 'denied', decision: 'denied' };
    case 'approval_expired':
      return { ...item, state: 'expired', decision: event.data.decision };
    case 'approval_escalated':
      return { ...item, priority: event.data.priority, expiresAt: event.data.expiresAt, escalated: true };
  }
}

export type Answer =
  | { kind: 'approve'; decision: Decision; modifiedPayload: Readonly<Record<string, unknown>> | null }
  | { kind: 'deny'; decision: Decision };

/** @throws SeedError `not_found`, `invalid_state` when it was decided before */
export function answer(item: Item, given: Answer): ApprovalEvent {
  if (item.question === null) throw new SeedError('not_found', 'there is no such approval');
  if (item.state !== 'pending') throw new SeedError('invalid_state', `it is ${item.state.replace('_', ' ')} already`);
  return given.kind === 'approve'
    ? { type: 'approval_approved', data: { ...given.decision, modifiedPayload: given.modifiedPayload } }
    : { type: 'approval_denied', data: given.decision };
}

/** What time does to it: nothing before its end, and nothing after an answer. */
export function expire(item: Item, nowMs: number): ApprovalEvent | null {
  const { question, expiresAt } = item;
  if (question === null || item.state !== 'pending' || expiresAt === null || nowMs < Date.parse(expiresAt)) return null;
  if (question.timeoutAction === 'approve') return { type: 'approval_expired', data: { decision: 'approved' } };
  if (question.timeoutAction === 'deny' || item.escalated) return { type: 'approval_expired', data: { decision: 'denied' } };
  const louder = PRIORITIES[Math.min(PRIORITIES.indexOf(item.priority) + 1, PRIORITIES.length - 1)] ?? 'critical';
  return { type: 'approval_escalated', data: { priority: louder, expiresAt: new Date(nowMs + (question.timeoutMs ?? 0)).toISOString() } };
}
