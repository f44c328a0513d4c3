import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { testTemplate } from '../testing.ts';
import { PgliteEngine } from './pglite-engine.ts';
import { EngineLife } from './pglite-life.ts';

test('an engine that dies again and again is given up', async () => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'seed-life-'));
  const folder = path.join(root, 'database');
  const errors: unknown[] = [];
  const first = await PgliteEngine.start({ dataDir: folder, template: await testTemplate() });
  const life = new EngineLife(first, { folder, isDiskLow: () => false, onError: (error) => errors.push(error) });
  try {
    for (let death = 0; death < 3; death += 1) {
      await life.engine.kill(new Error('it broke'));
      expect((await life.liveEngine()).death).toBeUndefined();
    }
    await life.engine.kill(new Error('it broke'));
    await expect(life.liveEngine()).rejects.toMatchObject({
      code: 'database_unavailable',
      message: expect.stringContaining('died 4 times within a minute'),
    });
    expect(await life.failed).toBe(life.failure);
    expect(errors).toHaveLength(4);
  } finally {
    await life.engine.kill(new Error('the test is over'));
    rmSync(root, { recursive: true });
  }
});
