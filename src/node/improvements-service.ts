// The improvements of the node, and the queue that they wait in.
import { JobWorker } from '#db/job-worker.ts';
import { Improvements, IMPROVEMENTS_QUEUE } from '#domains/evolution/improver.ts';
import { TriggerCycle } from '#domains/evolution/trigger-cycle.ts';
import { circuitBreaker } from '#improvement/circuit-breaker.ts';
import type { Proposer } from '#improvement/proposer.ts';
import { authoredProposer } from '#improvement/proposers/author/authored.ts';
import { geneticProposer } from '#improvement/proposers/genetic/genetic.ts';
import { inProcessQueue } from '#kernel/cluster/queues/in-process.ts';
import type { Service } from '#kernel/supervisor/service-child.ts';
import { SeedError } from '#lib/error.ts';
import { emit } from '#telemetry/emit.ts';
import { candidateLog, createLineage } from './candidate-log.ts';
import { authors } from './authors.ts';
import { createPromotion, createWorkbench } from './improving.ts';
import type { Parts } from './parts.ts';
import { reportTo } from './report-error.ts';

export async function startImprovements(parts: Parts): Promise<Service> {
  const { config, codingClis, info, monotonicMs } = parts.ground;
  const database = parts.get('database');
  const lineage = createLineage(parts);
  const proposers: Proposer[] = [
    geneticProposer(),
    ...authors(config, { clis: codingClis, lineage }).map((author) =>
      circuitBreaker(authoredProposer({ author, monotonicMs }), {
        monotonicMs,
        onFailed: (proposer, failure) => emit('seed_agent.proposer.escalated', {}, { proposer, failure }),
      }),
    ),
  ];
  const improvements = parts.set(
    'improvements',
    new Improvements({
      database,
      proposers: new Map(proposers.map((proposer) => [proposer.name, proposer])),
      log: candidateLog(parts, lineage),
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
      withdraw: async (approvalId, { reason, principal }) => {
        const decision = { by: principal, note: reason, ruleId: null };
        await parts.get('approvals').decide(approvalId, { kind: 'deny', decision });
      },
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
  await improvements.goOnWithAll();
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
