// Candidates of improvements as their streams tell of them, whether they became a version or not.
import { sql } from 'kysely';
import type { Database } from '#db/database.ts';
import type { ImprovementEvent } from '#improvement/events.ts';
import { evolve, initialImprovement, type Improvement } from '#improvement/improvement.ts';

/** An improvement without its progress. */
export interface TriedImprovement {
  id: string;
  state: Improvement;
  /** When its candidates were handed over; null: not yet. */
  proposedAt: Date | null;
}

interface Row {
  id: string;
  type: ImprovementEvent['type'];
  data: ImprovementEvent['data'];
  at: Date;
}

/** What is known of candidates comes from these. */
const TYPES: readonly ImprovementEvent['type'][] = [
  'improvement_queued',
  'proposer_spent',
  'attempt_rejected',
  'candidates_proposed',
  'candidate_rejected',
  'candidate_validated',
  'winner_chosen',
  'winner_tested',
  'version_staged',
  'approval_decided',
  'version_promoted',
  'improvement_ended',
];

/**
 * The newest improvements of an agent, the oldest of them first.
 * @param files false: the candidates' files are empty, because they are not needed and can be large
 */
export async function triedImprovements(
  database: Database,
  agent: string,
  { limit, files }: { limit: number; files: boolean },
): Promise<readonly TriedImprovement[]> {
  const { rows } = await sql<Row>`
    SELECT i.id::text AS id, e.type, e.at,
      CASE WHEN e.type = 'candidates_proposed' AND NOT ${files}::boolean
        THEN jsonb_set(e.data, '{candidates}', coalesce(
          (SELECT jsonb_agg(jsonb_set(c.value, '{files}', '{}') ORDER BY c.ordinality)
           FROM jsonb_array_elements(e.data -> 'candidates') WITH ORDINALITY AS c), '[]'))
        WHEN e.type = 'attempt_rejected' AND NOT ${files}::boolean THEN e.data - 'files'
        ELSE e.data END AS data
    FROM (SELECT id, created_at FROM improvements WHERE agent = ${agent} ORDER BY created_at DESC, id DESC LIMIT ${limit}::int) AS i
    JOIN events AS e ON e.stream = 'improvement-' || i.id::text
    WHERE e.type IN (${sql.join(TYPES)})
    ORDER BY i.created_at, i.id, e.version`.execute(database.db);
  const byId = Map.groupBy(rows, (row) => row.id);
  return [...byId].map(([id, events]) => ({
    id,
    state: events.reduce<Improvement>((state, { type, data }) => evolve(state, { type, data } as ImprovementEvent), initialImprovement),
    proposedAt: events.find(({ type }) => type === 'candidates_proposed')?.at ?? null,
  }));
}
