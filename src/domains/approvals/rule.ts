// A rule: what is decided without asking anybody. Which of several counts, and why one does not. Pure.
import { firstUnmet } from './condition.ts';
import type { ApprovalType, Question, Who } from './item.ts';

export const RULE_ACTIONS = ['approve', 'deny', 'require_review'] as const;
export type RuleAction = (typeof RULE_ACTIONS)[number];

export interface Rule {
  id: string;
  name: string;
  description: string;
  status: 'active' | 'disabled';
  /** `*`: every type. */
  approvalType: ApprovalType | '*';
  /** Of the tool, operation or agent that the item is about; empty: any. */
  toolNames: readonly string[];
  conditions: Readonly<Record<string, unknown>>;
  action: RuleAction;
  actionNote: string;
  /** Approvals in an hour that begins with the first; null: no limit. */
  maxAutoApprovalsPerHour: number | null;
  maxAutoApprovalsPerSession: number | null;
  /** The larger decides first. */
  priority: number;
  /** Empty: all. */
  appliesToSessions: readonly string[];
  appliesToWorkflows: readonly string[];
  owner: Who;
}

export interface Matched {
  rule: Rule;
  /** Null: it applies. */
  why: string | null;
}

/** At the same priority. */
const FIRST: Readonly<Record<RuleAction, number>> = { deny: 0, require_review: 1, approve: 2 };

/** In the order in which they decide. */
export function inOrder(rules: readonly Rule[]): Rule[] {
  return rules.toSorted((a, b) => b.priority - a.priority || FIRST[a.action] - FIRST[b.action] || a.id.localeCompare(b.id));
}

export function match(rule: Rule, question: Question, realPath: (path: string) => string): Matched {
  return { rule, why: whyNot(rule, question, realPath) };
}

/** The name of what the item is about. */
function subjectOf({ payload }: Question): string | null {
  const name = payload['tool_name'] ?? payload['operation'] ?? payload['agent'];
  return typeof name === 'string' ? name : null;
}

function whyNot(rule: Rule, question: Question, realPath: (path: string) => string): string | null {
  if (rule.status !== 'active') return 'it is disabled';
  if (!ownsItem(rule.owner, question.owner)) return 'it belongs to somebody else';
  if (rule.approvalType !== '*' && rule.approvalType !== question.approvalType) return `it is for ${rule.approvalType}`;
  const subject = subjectOf(question);
  if (rule.toolNames.length > 0 && (subject === null || !rule.toolNames.includes(subject))) return `it is for ${rule.toolNames.join(', ')}`;
  // What can do harm must be named: a rule for everything does not mean this.
  if (question.approvalType === 'operation' && rule.action === 'approve' && rule.toolNames.length === 0)
    return 'a dangerous operation must be named by the rule that approves it';
  if (rule.appliesToSessions.length > 0 && !rule.appliesToSessions.includes(question.sessionId ?? '')) return 'it is for other sessions';
  if (rule.appliesToWorkflows.length > 0 && !rule.appliesToWorkflows.includes(question.workflowId ?? ''))
    return 'it is for other workflows';
  return firstUnmet(rule.conditions, question.payload, realPath);
}

/** The node's own rules are everybody's. */
function ownsItem(rule: Who, item: Who): boolean {
  return rule.kind === 'node' || (rule.kind === item.kind && rule.id === item.id);
}
