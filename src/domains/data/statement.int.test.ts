import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '#db/database.ts';
import { testDatabase } from '#db/testing.ts';
import { createGate } from '#operation/gate.ts';
import { nodePrincipal } from '#operation/principal.ts';
import { createRegistry } from '#operation/registry.ts';
import * as operations from './database.ts';
import type { NodePorts } from '../ports.ts';

let database: Database;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

/** The gate as a node has it, with the one port that these operations use. */
function query(input: object): Promise<unknown> {
  const registry = createRegistry<NodePorts>([operations.query]);
  const gate = createGate<NodePorts>({
    ports: { database, registry } as unknown as NodePorts,
    activity: { append: async () => undefined },
    report: ({ cause }) => {
      throw cause;
    },
  });
  return gate.call(registry.get('database:query'), { principal: nodePrincipal('test'), input, confirm: 'database:query' });
}

describe('database:query', () => {
  test.each(['0s', '99ms', '61s', '1h'])('takes no timeout of %s', async (timeout) => {
    await expect(query({ sql: 'SELECT 1', timeout })).rejects.toMatchObject({ code: 'invalid_input', details: [{ path: 'timeout' }] });
  });

  test('answers no more than people read, however long a row is', async () => {
    expect(await query({ sql: "SELECT n, repeat('x', 1500000) AS text FROM generate_series(1, 4) AS n" })).toMatchObject({
      rows: [{ n: 1 }, { n: 2 }],
      rowCount: 2,
      truncated: true,
    });
    expect(await query({ sql: "SELECT repeat('x', 5000000)" })).toMatchObject({ rows: [], rowCount: 0, truncated: true });
  });
});
