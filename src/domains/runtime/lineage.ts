// Handler of code:lineage: who wrote what from which parent, how it did, what it cost and who let it go live.
import { z } from 'zod';
import type { PairedReport } from '#improvement/events.ts';
import { hasEnded } from '#improvement/improvement.ts';
import type { OperationContext } from '#operation/operation.ts';
import { loadTriedImprovements, type TriedImprovement } from '../evolution/index.ts';
import type { NodePorts } from '../ports.ts';
import { drawLineage, graphOf } from './lineage-drawing.ts';
import type { LineageItem, PairedScore } from './lineage-item.ts';
import { versionOrigins, type VersionOrigin } from './lineage-store.ts';
import { describeAll } from './version.ts';

type Context = OperationContext<NodePorts>;
type DescribedVersion = Awaited<ReturnType<typeof describeAll>>[number];

const pairedReport = z
  .object({ mean: z.number(), baseMean: z.number(), gain: z.number(), p: z.number(), draws: z.int() })
  .nullable()
  .catch(null);
/** What an improvement leaves in a manifest; anybody else's reports say nothing here. */
const reportsSchema = z.object({
  improvement: z.string().nullable().catch(null),
  selection: z.number().nullable().catch(null),
  validation: pairedReport,
  test: pairedReport,
});

export async function lineage(input: { agent: string; improvements: number; graphviz: boolean }, context: Context) {
  const { ports } = context;
  const { agent } = input;
  const triedImprovements = await loadTriedImprovements();
  const [versions, origins, tried] = await Promise.all([
    describeAll(agent, context),
    versionOrigins(ports.database, agent),
    triedImprovements(ports.database, agent, { limit: input.improvements, files: false }),
  ]);
  const made = versions.map((version) => versionItem(version, origins.get(version.hash)));
  const improvements = [...new Set(made.flatMap(({ improvement }) => improvement ?? []))];
  const decisions = await ports.approvals.decisionsOn('improvement', improvements);
  const approvers = new Map(decisions.filter(({ decision }) => decision === 'approved').map(({ sourceId, by }) => [sourceId, by]));
  const items = [
    ...made.map((one) => {
      const maker = tried.find(({ id }) => id === one.improvement);
      return { ...one, approvedBy: approvers.get(one.improvement ?? '') ?? one.approvedBy, ...paidFor(maker), ...madeFrom(maker) };
    }),
    ...tried.flatMap(candidateItems),
  ].toSorted((a, b) => (a.createdAt === b.createdAt ? (a.version ?? 0) - (b.version ?? 0) : a.createdAt < b.createdAt ? -1 : 1));
  return { agent, items, drawing: drawLineage(items), graph: input.graphviz ? graphOf(agent, items) : null };
}

function versionItem(version: DescribedVersion, origin: VersionOrigin | undefined): LineageItem {
  const { hash, parent, status, verdict, quarantined, reason, proposer, createdAt, liveAt } = version;
  const reports = reportsSchema.parse({ ...origin?.reports });
  // Who makes something live by hand has said that it may be.
  const by = origin?.promotedBy?.kind === 'node' ? null : origin?.promotedBy;
  return {
    id: hash,
    kind: 'version',
    version: version.version,
    hash,
    parent,
    status,
    verdict,
    quarantined,
    reason,
    proposer,
    promptHash: origin?.promptHash ?? null,
    improvement: reports.improvement,
    selection: reports.selection,
    validation: scoreOf(reports.validation),
    test: scoreOf(reports.test),
    costMicroUsd: null,
    approvedBy: by === null || by === undefined ? null : `${by.kind}/${by.id}`,
    createdBy: origin?.createdBy ?? '',
    createdAt,
    liveAt,
  };
}

/** Those that did not become a version, in the order in which they were made. */
function candidateItems({ id, state, proposedAt }: TriedImprovement): LineageItem[] {
  const { queued, candidates, winner, staged } = state;
  if (queued === null || candidates === null || proposedAt === null) return [];
  const common = {
    kind: 'candidate' as const,
    version: null,
    hash: null,
    verdict: '',
    quarantined: null,
    proposer: queued.proposer,
    improvement: id,
    validation: null,
    test: null,
    promptHash: null,
    costMicroUsd: null,
    ...paidFor({ state }),
    approvedBy: null,
    createdBy: 'node',
    createdAt: proposedAt.toISOString(),
    liveAt: null,
  };
  const inVain = state.attempts.flatMap(({ id: made, parent, reason, selection = null }): LineageItem[] =>
    made === undefined ? [] : [{ ...common, id: made, parent: parent ?? queued.baseHash, status: 'refused', reason, selection }],
  );
  const handedOver = candidates.flatMap((candidate, index): LineageItem[] => {
    const isWinner = winner?.index === index;
    if (isWinner && staged !== null) return [];
    const refused = state.rejected.get(index);
    const decided = refused !== undefined ? 'refused' : winner !== null && !isWinner ? 'not_chosen' : hasEnded(state) ? 'refused' : 'open';
    return [
      {
        ...common,
        id: candidate.id ?? `${id}/${index + 1}`,
        parent: candidate.parent ?? queued.baseHash,
        status: decided,
        reason: refused ?? (decided === 'refused' ? state.reason : candidate.note),
        selection: candidate.selection,
        validation: scoreOf(state.validated.get(index) ?? null),
        test: isWinner ? scoreOf(state.tested) : null,
      },
    ];
  });
  return [...inVain, ...handedOver];
}

/** The candidate that a version was made from, where that was one. */
function madeFrom(tried: Pick<TriedImprovement, 'state'> | undefined): Partial<Pick<LineageItem, 'parent'>> {
  const { winner = null, candidates = null } = tried?.state ?? {};
  const parent = winner === null ? null : candidates?.[winner.index]?.parent;
  return parent === null || parent === undefined ? {} : { parent };
}

/** What was asked, and what it cost; nothing where nobody was paid. */
function paidFor(tried: Pick<TriedImprovement, 'state'> | undefined): Partial<Pick<LineageItem, 'promptHash' | 'costMicroUsd'>> {
  if (tried === undefined || tried.state.spent.runs === 0) return {};
  return { promptHash: tried.state.promptHash, costMicroUsd: tried.state.spent.costMicroUsd };
}

function scoreOf(report: Pick<PairedReport, 'mean' | 'baseMean' | 'gain' | 'p' | 'draws'> | null): PairedScore {
  return report === null ? null : { mean: report.mean, base: report.baseMean, gain: report.gain, p: report.p, draws: report.draws };
}
