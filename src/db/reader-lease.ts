// One reader of a name at a time over all nodes, and how far it has come.
import { sql } from 'kysely';
import { SeedError } from '#lib/error.ts';
import { uuidv7 } from '#lib/id.ts';
import { type Database, queriesOf, type Scope } from './database.ts';

export interface ReaderLeaseOptions {
  database: Database;
  /** The row in `checkpoints`. */
  name: string;
  /** How long after its last sign of life another node may take over. */
  leaseMs: number;
  onError: (error: unknown) => void;
}

export class ReaderLease {
  readonly #options: ReaderLeaseOptions;
  readonly #owner = uuidv7();
  #fence: number | undefined;
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(options: ReaderLeaseOptions) {
    this.#options = options;
  }

  /** @returns the position to read after, or undefined while another node holds the lease */
  async hold(): Promise<number | undefined> {
    const { database, name, leaseMs } = this.#options;
    if (this.#fence !== undefined) {
      const row = await database.db
        .selectFrom('checkpoints')
        .select('position')
        .where('processor', '=', name)
        .where('fence', '=', this.#fence)
        .executeTakeFirst();
      if (row !== undefined) return row.position;
      this.#drop();
    }
    const { rows } = await sql<{ position: number; fence: number }>`
      INSERT INTO checkpoints AS c (processor, owner, fence, lease_until) VALUES (${name}, ${this.#owner}, 1, ${leaseEnd(leaseMs)})
      ON CONFLICT (processor) DO UPDATE SET owner = excluded.owner, fence = c.fence + 1, lease_until = excluded.lease_until
      WHERE c.lease_until IS NULL OR c.lease_until < now()
      RETURNING position, fence`.execute(database.db);
    const [row] = rows;
    if (row === undefined) return undefined;
    this.#fence = row.fence;
    this.#heartbeat = setInterval(() => void this.#renew(), leaseMs / 3).unref();
    return row.position;
  }

  /** @throws SeedError `conflict` when another node has taken over: nothing of this turn may be kept */
  async save(scope: Scope, position: number): Promise<void> {
    const { name } = this.#options;
    const { rows } = await sql`
      UPDATE checkpoints SET position = greatest(position, ${position}::bigint), updated_at = now()
      WHERE processor = ${name} AND fence = ${this.#fence ?? -1} RETURNING position`.execute(queriesOf(scope));
    if (rows.length > 0) return;
    this.#drop();
    throw new SeedError('conflict', `another node reads for ${name} now`);
  }

  /** Another node may take over at once. */
  async release(): Promise<void> {
    const fence = this.#fence;
    this.#drop();
    if (fence === undefined) return;
    await sql`UPDATE checkpoints SET lease_until = NULL, owner = NULL WHERE processor = ${this.#options.name} AND fence = ${fence}`.execute(
      this.#options.database.db,
    );
  }

  async #renew(): Promise<void> {
    const { database, name, leaseMs, onError } = this.#options;
    try {
      await sql`UPDATE checkpoints SET lease_until = ${leaseEnd(leaseMs)} WHERE processor = ${name} AND fence = ${this.#fence ?? -1}`.execute(
        database.db,
      );
    } catch (error) {
      onError(error);
    }
  }

  #drop(): void {
    clearInterval(this.#heartbeat);
    this.#fence = undefined;
  }
}

/** The end of a lease that begins now, on the database's clock. */
export function leaseEnd(leaseMs: number) {
  return sql<Date>`clock_timestamp() + ${leaseMs}::float8 * interval '1 millisecond'`;
}
