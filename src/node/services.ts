// The services of the node: each is built from those before it and gives back what it holds when it is closed.
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { endFormerLife } from '#db/former-life.ts';
import { countJobs } from '#db/jobs.ts';
import { JobWorker } from '#db/job-worker.ts';
import { migrate } from '#db/migrations.ts';
import { Outbox } from '#db/outbox.ts';
import { openPglite } from '#db/databases/pglite.ts';
import { SettingsView } from '#domains/config/settings-view.ts';
import { DemoOrders, startDemo as enqueueDemo } from '#domains/evolution/demo.ts';
import { Improvements, IMPROVEMENTS_QUEUE, streamChannel } from '#domains/evolution/improver.ts';
import { createIdentity } from '#domains/identity/index.ts';
import { operations, type NodePorts } from '#domains/index.ts';
import { AgentDirectory } from '#domains/runtime/agent-directory.ts';
import { artifactStore } from '#domains/runtime/artifact-store.ts';
import { CallStore } from '#domains/runtime/call-store.ts';
import { RolloutRecorder } from '#domains/runtime/rollout-recorder.ts';
import { stateStore } from '#domains/runtime/state-store.ts';
import { desiredState } from '#domains/runtime/store.ts';
import { geneticProposer } from '#improvement/proposers/genetic/genetic.ts';
import { statusPage } from '#interfaces/http/status-page.ts';
import { CodeStore } from '#kernel/code-store/code-store.ts';
import { ThreadedCompiler } from '#kernel/compiler/threaded-compiler.ts';
import { inProcessQueue } from '#kernel/cluster/queues/in-process.ts';
import { Health } from '#kernel/health.ts';
import { Runtime } from '#kernel/runtime/runtime.ts';
import { ServingHosts } from '#kernel/runtime/serving-hosts.ts';
import { describeTree } from '#kernel/supervisor/root-link.ts';
import { sandboxLayers } from '#kernel/sandbox/layers.ts';
import type { SandboxHost } from '#kernel/sandbox/sandbox-host.ts';
import type { Service } from '#kernel/supervisor/service-child.ts';
import { EXIT_CODE } from '#lib/exit-code.ts';
import { isSeedError, SeedError } from '#lib/error.ts';
import { createGate } from '#operation/gate.ts';
import { createRegistry } from '#operation/registry.ts';
import { emit } from '#telemetry/emit.ts';
import { MetricsHistory } from '#telemetry/metrics-history.ts';
import { createStager } from './build.ts';
import { adoptFolders } from './folders.ts';
import { registerChecks } from './health.ts';
import { createPromotion, createWorkbench } from './improving.ts';
import type { Parts } from './parts.ts';
import type { DemoState } from './screen.ts';
import { totalMemory, withMemory } from './process-tree.ts';
import { startRetention } from './retention.ts';
import { createWorkHosts } from './sandbox.ts';

const DRAIN_MS = 25_000;

function onError(parts: Parts, event: string): (error: unknown) => void {
  const log = parts.ground.telemetry.log;
  return (error) =>
    log.error(
      { event, error: String(error), stack: (error as Error | undefined)?.stack },
      String((error as Error | undefined)?.message ?? error),
    );
}

export async function startDatabase(parts: Parts): Promise<Service> {
  const { config, configSources, telemetry } = parts.ground;
  const database = await openPglite({ folder: join(config.data.dir, 'database'), onError: onError(parts, 'db.background.failed') });
  await migrate(database);
  await endFormerLife(database).catch((error: unknown) => {
    // What is stored is served from a full disk too; the leases of the former life then run out by themselves.
    if (!isSeedError(error) || error.code !== 'storage_full') throw error;
    onError(parts, 'db.former_life.failed')(error);
  });
  parts.set('database', database);
  const settings = new SettingsView(config, configSources, (changed) => {
    telemetry.output.level = changed.telemetry.logLevel;
  });
  await settings.adopt(database);
  parts.set('settings', settings);
  const outbox = new Outbox({
    database,
    publish: (message) => database.notify(streamChannel(message.key)),
    onError: onError(parts, 'db.outbox.failed'),
  });
  const failure = database.failed.then((error) => {
    throw error;
  });
  return {
    exited: failure,
    close: async () => {
      await outbox.close();
      await database.close();
    },
  };
}

export async function startCode(parts: Parts): Promise<Service> {
  const { config, info, telemetry } = parts.ground;
  const compiler = parts.set('compiler', new ThreadedCompiler());
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
  parts.set('hosts', new ServingHosts());
  const workHosts = parts.set('workHosts', createWorkHosts(parts));
  parts.set('stager', await createStager(parts));
  const health = parts.set(
    'health',
    new Health({
      node: info.id,
      queueDepth: () => queueDepth(parts),
      treeMemoryBytes: async () => totalMemory(await tree(parts)),
    }),
  );
  registerChecks(health, parts);
  const metrics = await telemetry.metrics;
  metrics.read('seed_agent_hot_reload_queue_depth', async () => [{ labels: {}, value: await queueDepth(parts) }]);
  metrics.read('seed_agent_cluster_nodes', () => [{ labels: {}, value: 0 }]);
  const perRole = (count: (host: SandboxHost) => number) =>
    (['serving', 'validator', 'evaluator'] as const).map((role) => {
      const hosts = [...parts.runningHosts].filter(([, its]) => its === role);
      return { labels: { role }, value: hosts.reduce((sum, [host]) => sum + count(host), 0) };
    });
  metrics.read('seed_sandbox_hosts', () => perRole(() => 1));
  metrics.read('seed_sandbox_isolates', () => perRole((host) => host.stats().isolates));
  return {
    close: async () => {
      await Promise.all([workHosts.validator.close(), workHosts.evaluators.close()]);
      await codeStore.close();
      await compiler.close();
    },
  };
}

async function queueDepth(parts: Parts): Promise<number> {
  const counts = await countJobs(parts.get('database'));
  const queue = counts.find((count) => count.queue === IMPROVEMENTS_QUEUE);
  return queue === undefined ? 0 : queue.available + queue.scheduled + queue.executing;
}

export async function startAgents(parts: Parts): Promise<Service> {
  const { info, telemetry, monotonicMs } = parts.ground;
  const database = parts.get('database');
  const codeStore = parts.get('codeStore');
  const state = stateStore(database, info.id);
  const callStore = parts.set(
    'callStore',
    new CallStore({
      database: () => parts.find('database') ?? null,
      onWritten: (count) => emit('seed_agent.call_record.written', { records: count, duration_us: 0 }, {}),
      onDropped: (count, reason) => emit('seed_agent.call_record.dropped', { records: count }, { reason }),
      onError: onError(parts, 'calls.record.failed'),
    }),
  );
  const agentLog = telemetry.log.child({ module: 'agents' });
  const runtime = parts.set(
    'runtime',
    new Runtime({
      hosts: parts.get('hosts'),
      state,
      log: callStore,
      nowMs: Date.now,
      monotonicMs,
      randomSeed: () => randomInt(2 ** 32),
      onLogLine: (line, from) => {
        const fields = {
          event: 'agents.log.line',
          agent: from.agent,
          version: `v${from.version}`,
          call_id: from.callId,
          key: from.key,
          fields: line.fields,
        };
        agentLog[line.level](fields, line.message);
      },
    }),
  );
  const recorder = parts.set('recorder', new RolloutRecorder({ database, codeStore, onError: onError(parts, 'code.pointer.failed') }));
  const agents = parts.set(
    'agents',
    new AgentDirectory({
      database,
      supervisor: () => parts.get('agentSupervisor'),
      runtime,
      worker: {
        hosts: parts.get('hosts'),
        state,
        monotonicMs,
        syncPath: parts.ground.config.sandbox.syncPath,
        loadArtifact: (agent, hash) => codeStore.load(agent, hash),
      },
      rollout: {
        desired: desiredState(database),
        log: recorder,
        nodePrincipal: { kind: 'node', id: info.id },
        nowMs: Date.now,
        monotonicMs,
        queueDepth: () => parts.find('improvements')?.open ?? 0,
        onError: onError(parts, 'rollout.observation.failed'),
      },
    }),
  );
  await agents.startAll((agent, error) =>
    telemetry.log.error({ event: 'agents.start.failed', agent }, `${agent} could not be started: ${error.message}`),
  );
  await adoptFolders(parts);
  const retention = startRetention({ database, nowMs: Date.now, onError: onError(parts, 'db.prune.failed') });
  return {
    close: async () => {
      retention.close();
      await callStore.close();
    },
  };
}

export function startImprovements(parts: Parts): Service {
  const { info, monotonicMs } = parts.ground;
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
    }),
  );
  const jobs = new JobWorker({
    database,
    wakeups: inProcessQueue({ onError: onError(parts, 'queue.wakeup.failed') }),
    owner: info.id,
    queues: {
      [IMPROVEMENTS_QUEUE]: {
        concurrency: 2,
        handlers: { improvement: (job, { signal }) => improvements.run((job.args as { id: string }).id, { signal, attempt: job.attempt }) },
      },
    },
    onError: onError(parts, 'improvements.job.failed'),
  });
  return { close: () => jobs.close() };
}

export async function startDoor(parts: Parts): Promise<Service> {
  const { http, info, telemetry, config, adminToken } = parts.ground;
  const database = parts.get('database');
  const identity = createIdentity({ database, adminToken, metricsToken: config.metrics.token, nowMs: Date.now });
  const metrics = await telemetry.metrics;
  const history = new MetricsHistory({ report: () => metrics.report(), nowMs: Date.now });
  const registry = createRegistry<NodePorts>(operations);
  const ports: NodePorts = {
    node: info,
    registry,
    database,
    agents: parts.get('agents'),
    runtime: parts.get('runtime'),
    codeStore: parts.get('codeStore'),
    stager: parts.get('stager'),
    improvements: parts.get('improvements'),
    settings: parts.get('settings'),
    health: parts.get('health'),
    logs: telemetry.output.records,
    metricsText: async (which) => (await telemetry.metrics).text(which),
    metricsIncrease: (periodMs) => history.increase(periodMs),
    tree: () => tree(parts),
    sandboxLayers: () => sandboxLayers([...parts.runningHosts.keys()].map((host) => host.pid)),
    memoryBytes: async () => totalMemory(await tree(parts)),
    resetRestartCounters: () => {
      const node = parts.get('node');
      const counted = restartsOf(node.describe());
      node.resetRestarts();
      return counted;
    },
    restart: ({ force }) => parts.ground.stop(force ? 'system:restart --force' : 'system:restart', EXIT_CODE.restart),
  };
  const gate = createGate<NodePorts>({
    ports,
    activity: identity,
    report: ({ message, operation, requestId, cause }) =>
      telemetry.log.error(
        { event: 'operation.failed', operation, request_id: requestId, cause: String(cause), stack: (cause as Error | undefined)?.stack },
        message,
      ),
  });
  http.open({ registry, gate, authenticator: identity, pages: [statusPage] });
  const signIn = info.url === null ? null : identity.createSignInLink(info.url);
  const { powerSafe } = await database.info();
  parts.ground.screen.first({
    version: info.version,
    dataDir: config.data.dir,
    newFolder: parts.ground.newFolder,
    url: info.url,
    socket: parts.ground.socket,
    signInUrl: signIn?.url ?? null,
    demo: await demoState(parts),
    powerSafe,
  });
  return {
    close: async () => {
      history.close();
      await http.close({ drainMs: DRAIN_MS });
    },
  };
}

async function demoState(parts: Parts): Promise<DemoState> {
  if (!parts.ground.config.demo.enabled) return 'off';
  if (parts.get('runtime').find('packer') === undefined) return 'no_agent';
  return (await parts.get('improvements').demo())?.ended === true ? 'shown' : 'runs';
}

export async function startDemo(parts: Parts): Promise<Service> {
  const { config, screen } = parts.ground;
  const improvements = parts.get('improvements');
  const runtime = parts.get('runtime');
  if (!config.demo.enabled || runtime.find('packer') === undefined) return { close: () => undefined };
  const id = await enqueueDemo(improvements);
  if (id === null) return { close: () => undefined };
  const orders = new DemoOrders({
    runtime,
    improvements,
    random: Math.random,
    nowMs: Date.now,
    onError: onError(parts, 'demo.order.failed'),
  });
  const stop = new AbortController();
  const ended = (async () => {
    for await (const events of improvements.follow(id, stop.signal)) {
      for (const event of events) screen.improvement(event, Date.now());
      if (events.some((event) => event.type === 'improvement_ended')) break;
    }
    await orders.close();
    if (!stop.signal.aborted) screen.note(`the demo has ended after ${orders.sent} orders; see: bin/seed code:list packer`);
  })();
  return {
    exited: ended,
    close: async () => {
      stop.abort();
      await orders.close();
      await ended;
    },
  };
}

async function tree(parts: Parts) {
  const { root, info } = parts.ground;
  const node = parts.get('node').describe();
  const startedAt = new Date(info.startedAtMs).toISOString();
  const whole = describeTree(node, { root, pid: process.pid, startedAt });
  return withMemory(whole);
}

function restartsOf(description: { restarts: number; children?: readonly { restarts: number }[] }): number {
  return description.restarts + (description.children ?? []).reduce((sum, child) => sum + restartsOf(child), 0);
}
