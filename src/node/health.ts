// What a node looks at to say how it is.
import { countJobs } from '#db/jobs.ts';
import { undecided } from '#domains/runtime/state-history-store.ts';
import { diskCheck, eventLoopCheck } from '#kernel/health-checks.ts';
import { Health } from '#kernel/health.ts';
import { codingClisCheck } from './coding-clis-check.ts';
import { nodeTree } from './node-tree.ts';
import type { Parts } from './parts.ts';
import { pricesCheck } from './prices-check.ts';
import { totalMemory } from './process-tree.ts';
import { queueDepth } from './queue-depth.ts';

export function nodeHealth(parts: Parts): Health {
  const health = new Health({
    node: parts.ground.info.id,
    queueDepth: () => queueDepth(parts),
    treeMemoryBytes: async () => totalMemory(await nodeTree(parts)),
  });
  registerChecks(health, parts);
  return health;
}

function registerChecks(health: Health, parts: Parts): void {
  health.register(diskCheck(parts.ground.config.data.dir));
  health.register(eventLoopCheck(parts.ground.telemetry.lag));
  health.register(codingClisCheck(parts.ground.codingClis));
  health.register(pricesCheck(parts.ground.config));
  health.register({
    name: 'database:query',
    component: 'datastore',
    required: true,
    run: async () => {
      const startedMs = parts.ground.monotonicMs();
      await countJobs(parts.get('database'));
      return { status: 'pass', observedValue: Math.round((parts.ground.monotonicMs() - startedMs) * 10) / 10, observedUnit: 'ms' };
    },
  });
  health.register({
    name: 'sandbox:serving-hosts',
    component: 'component',
    required: true,
    run: () => {
      const { size } = parts.get('hosts');
      const wanted = parts.ground.config.sandbox.servingHosts;
      const status = size === 0 ? 'fail' : size < wanted ? 'warn' : 'pass';
      return {
        status,
        observedValue: size,
        observedUnit: 'processes',
        ...(size < wanted ? { output: `${size} of ${wanted} answer` } : {}),
      };
    },
  });
  health.register({
    name: 'supervision:children',
    component: 'component',
    // Whoever can not do without them says so in a check of their own.
    required: false,
    run: () => {
      const given = parts.get('backOff').list();
      return {
        status: given.length === 0 ? 'pass' : 'warn',
        observedValue: given.length,
        observedUnit: 'children over their intensity',
        ...(given.length === 0
          ? {}
          : { output: given.map(({ id, why, nextAt }) => `root/node/${id}: ${why}; tried again at ${nextAt}`).join('. ') }),
      };
    },
  });
  health.register({
    name: 'code:writable',
    component: 'datastore',
    // What is live is in memory and in the database: calls go on, and new versions do not.
    required: false,
    run: async () => {
      await parts.get('codeStore').probe();
      return { status: 'pass' };
    },
  });
  health.register({
    name: 'agents:quarantined',
    component: 'component',
    required: false,
    run: async () => {
      const agents = parts.get('agents');
      const live = parts.get('runtime').workers();
      const out = await Promise.all(
        live.map(async ({ agent, live: version }) =>
          version !== null && (await agents.quarantine.find(agent, version.hash)) !== null ? [agent] : [],
        ),
      );
      const names = out.flat();
      return {
        status: names.length === 0 ? 'pass' : 'warn',
        observedValue: names.length,
        observedUnit: 'agents',
        ...(names.length === 0
          ? {}
          : { output: `live although in quarantine, for want of a version before: ${names.join(', ')}; stage a better one` }),
      };
    },
  });
  health.register({
    name: 'agents:states',
    component: 'component',
    required: false,
    run: async () => {
      const waiting = await undecided(parts.get('database'));
      const keys = waiting.reduce((sum, agent) => sum + Number(agent.keys), 0);
      const named = waiting.map(({ agent, keys: count }) => `${agent} (${count})`).join(', ');
      return {
        status: keys === 0 ? 'pass' : 'warn',
        observedValue: keys,
        observedUnit: 'instances frozen by a rollback',
        ...(keys === 0
          ? {}
          : { output: `decide what becomes of what they wrote since: ${named}; seed code:rollback <agent> --frozen discard|keep` }),
      };
    },
  });
  health.register({
    name: 'agents:live',
    component: 'component',
    required: false,
    run: () => {
      const workers = parts.get('runtime').workers();
      const failed = parts.get('agents').failed();
      const dead = [...workers.filter((worker) => worker.live === null).map((worker) => worker.agent), ...failed.keys()];
      return {
        status: dead.length === 0 ? 'pass' : 'warn',
        observedValue: workers.length,
        observedUnit: 'agents',
        ...(dead.length === 0 ? {} : { output: `no live version: ${dead.join(', ')}` }),
      };
    },
  });
}
