// What keeps versions, and how the node says that it is well.
import { join } from 'node:path';
import { artifactStore } from '#domains/runtime/artifact-store.ts';
import { CodeStore } from '#kernel/code-store/code-store.ts';
import type { Service } from '#kernel/supervisor/service-child.ts';
import { createStager } from './build.ts';
import { nodeHealth } from './health.ts';
import { readMetrics } from './metric-reads.ts';
import type { Parts } from './parts.ts';

export async function startCode(parts: Parts): Promise<Service> {
  const { config, telemetry } = parts.ground;
  const codeStore = parts.set(
    'codeStore',
    await CodeStore.open({
      root: config.code.root,
      keysDir: join(config.data.dir, 'keys'),
      durable: artifactStore(parts.get('database')),
      onDamage: ({ agent, hash, problem, repaired }) =>
        telemetry.log.error(
          { event: 'code.store.damaged', agent, hash, repaired },
          `${problem}${repaired ? '; repaired from the durable copy' : ''}`,
        ),
    }),
  );
  parts.set('stager', await createStager(parts));
  parts.set('health', nodeHealth(parts));
  readMetrics(await telemetry.metrics, parts);
  return {
    close: () => codeStore.close(),
  };
}
