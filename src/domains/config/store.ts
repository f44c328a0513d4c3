// Stored settings and their history.
import type { Database } from '#db/database.ts';

export async function readStored(database: Database): Promise<Record<string, string>> {
  const rows = await database.db.selectFrom('settings').select(['name', 'value']).orderBy('name').execute();
  return Object.fromEntries(rows.map((row) => [row.name, row.value]));
}

/** null takes the stored value back. */
export async function writeStored(
  database: Database,
  change: { name: string; value: string | null; principal: { kind: string; id: string } },
): Promise<void> {
  const { name, value, principal } = change;
  const who = { principal_kind: principal.kind, principal_id: principal.id };
  await database.transaction(async (tx) => {
    const before = await tx.selectFrom('settings').select('value').where('name', '=', name).executeTakeFirst();
    if (value === null) await tx.deleteFrom('settings').where('name', '=', name).execute();
    else {
      await tx
        .insertInto('settings')
        .values({ name, value, ...who })
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ value, ...who, updated_at: new Date() }))
        .execute();
    }
    await tx
      .insertInto('settings_history')
      .values({ name, old_value: before?.value ?? null, new_value: value, ...who })
      .execute();
  });
}
