// An improvement that asks for leave to go live, as an approval item of its own.
import type { ItemRow } from '#domains/approvals/index.ts';
import type { ApprovalRequest } from '#improvement/approval-request.ts';
import type { ApprovalDecision } from '#improvement/events.ts';
import { sha256 } from '#lib/canonical-json.ts';
import type { Parts } from './parts.ts';

export async function askForApproval(parts: Parts, request: ApprovalRequest): Promise<{ id: string; decision: ApprovalDecision | null }> {
  const nodePrincipal = { kind: 'node', id: parts.ground.info.id };
  const { improvement, title, description, payload, context, risk, riskFactors, byRules } = request;
  const item = await parts.get('approvals').open(
    {
      approvalType: 'improvement',
      sourceType: 'improvement',
      sourceId: improvement,
      sessionId: null,
      workflowId: null,
      title,
      description,
      payload,
      context,
      priority: 'normal',
      riskLevel: risk,
      riskFactors,
      owner: nodePrincipal,
      timeoutMs: null,
      timeoutAction: 'deny',
    },
    { principal: nodePrincipal, id: approvalIdOf(improvement), byRules },
  );
  return { id: item.id, decision: decisionOf(item) };
}

/** One item for each improvement, however often it asks: the id follows from the improvement's. */
export function approvalIdOf(improvement: string): string {
  const hex = sha256(`approval of ${improvement}`);
  const variant = ((Number.parseInt(hex[16] ?? '0', 16) & 0b11) | 0b1000).toString(16);
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `${variant}${hex.slice(17, 20)}`, hex.slice(20, 32)].join('-');
}

function decisionOf({ decision, decidedBy, ruleId, note }: ItemRow): ApprovalDecision | null {
  if (decision === null) return null;
  const by = ruleId === null ? `${decidedBy?.kind ?? 'node'}/${decidedBy?.id ?? ''}` : `rule/${ruleId}`;
  return { decision, by, note };
}
