// The improvements of the node, and the queue that they wait in.
import { JobWorker } from '#db/job-worker.ts';
import { Improvements, IMPROVEMENTS_QUEUE } from '#domains/evolution/improver.ts';
import { TriggerCycle } from '#domains/evolution/trigger-cycle.ts';
import { geneticProposer } from '#improvement/proposers/genetic/genetic.ts';
import { inProcessQueue } from '#kernel/cluster/queues/in-process.ts';
import type { Service } from '#kernel/supervisor/service-child.ts';
import { SeedError } from '#lib/error.ts';
import { createPromotion, createWorkbench } from './improving.ts';
import type { Parts } from './parts.ts';
import { reportTo } from './report-error.ts';

export function startImprovements(parts: Parts): Service {
  const { config, info, monotonicMs } = parts.ground;
  const database = parts.get('database');
  const proposer = geneticProposer();
  const improvements = parts.set(
    'improvements',
    new Improvements({
      database,
      proposers: new Map([[proposer.name, proposer]]),
      workbench: createWorkbench(parts),
      baseOf: async (agent) => {
        const live = parts.get('agents').worker(agent)?.live;
        if (live === undefined || live === null) throw new SeedError('invalid_state', `${agent} has no live version to better`);
        return { hash: live.hash, version: live.number };
      },
      loadBase: async (agent, hash) => {
        const { artifact } = await parts.get('codeStore').load(agent, hash);
        return { hash, contract: artifact.manifest.contract, sources: artifact.sources };
      },
      promotionFor: (agent, improvement) => createPromotion(parts, agent, improvement),
      monotonicMs,
      nodePrincipal: { kind: 'node', id: info.id },
      limits: config.improvement,
      nowMs: Date.now,
    }),
  );
  const jobs = new JobWorker({
    database,
    wakeups: inProcessQueue({ onError: reportTo(parts, 'queue.wakeup.failed') }),
    owner: info.id,
    queues: {
      [IMPROVEMENTS_QUEUE]: {
        concurrency: 2,
        isPaused: () => improvements.isPaused(),
        handlers: { improvement: (job, { signal }) => improvements.run((job.args as { id: string }).id, { signal, attempt: job.attempt }) },
      },
    },
    onError: reportTo(parts, 'improvements.job.failed'),
  });
  const triggers = parts.set(
    'triggers',
    new TriggerCycle({
      database,
      improvements,
      live: () =>
        parts
          .get('runtime')
          .workers()
          .flatMap(({ live }) => (live === null ? [] : [live])),
      cycleMs: config.improvement.cycleMs,
      nowMs: Date.now,
      nodePrincipal: { kind: 'node', id: info.id },
      onError: reportTo(parts, 'improvements.triggers.failed'),
    }),
  );
  return {
    close: async () => {
      await triggers.close();
      await jobs.close();
    },
  };
}
