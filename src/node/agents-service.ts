// The agents of the node: the runtime that answers their calls, the record of those calls, and a worker for each.
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { Sealing } from '#db/sealing.ts';
import { AgentDirectory } from '#domains/runtime/agent-directory.ts';
import { CallStore } from '#domains/runtime/call-store.ts';
import { ParkedCallDesk } from '#domains/runtime/parked-call-desk.ts';
import { parkedHashes } from '#domains/runtime/parked-call-store.ts';
import { quarantineStore } from '#domains/runtime/quarantine-store.ts';
import { RolloutRecorder } from '#domains/runtime/rollout-recorder.ts';
import { frozenHashes, stateHistory } from '#domains/runtime/state-history-store.ts';
import { stateStore } from '#domains/runtime/state-store.ts';
import { desiredState } from '#domains/runtime/store.ts';
import { checkPolicy } from '#kernel/runtime/capabilities/policy-check.ts';
import { Runtime } from '#kernel/runtime/runtime.ts';
import { rehearseStates } from '#kernel/runtime/state-rehearsal.ts';
import type { Service } from '#kernel/supervisor/service-child.ts';
import { emit } from '#telemetry/emit.ts';
import { createBroker } from './broker.ts';
import { adoptFolders } from './folders.ts';
import { loadMasterKeys } from './master-keys.ts';
import type { Parts } from './parts.ts';
import { reportTo } from './report-error.ts';
import { startRetention } from './retention.ts';

export async function startAgents(parts: Parts): Promise<Service> {
  const { config, info, policy, telemetry, monotonicMs } = parts.ground;
  const database = parts.get('database');
  const codeStore = parts.get('codeStore');
  const nodePrincipal = { kind: 'node', id: info.id };
  const sealing = new Sealing(await loadMasterKeys(join(config.data.dir, 'keys')));
  const parkedCalls = parts.set('parkedCalls', new ParkedCallDesk({ database, sealing, nodePrincipal }));
  const state = stateStore(database, info.id, { parked: parkedCalls });
  const history = stateHistory(database);
  const callStore = parts.set(
    'callStore',
    new CallStore({
      database: () => parts.find('database') ?? null,
      onWritten: (count) => emit('seed_agent.call_record.written', { records: count, duration_us: 0 }, {}),
      onDropped: (count, reason) => emit('seed_agent.call_record.dropped', { records: count }, { reason }),
      onError: reportTo(parts, 'calls.record.failed'),
    }),
  );
  const brokered = createBroker(parts);
  const agentLog = telemetry.log.child({ module: 'agents' });
  const runtime = parts.set(
    'runtime',
    new Runtime({
      hosts: parts.get('hosts'),
      state,
      log: callStore,
      parked: parkedCalls,
      broker: brokered.broker,
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
  const recorder = parts.set('recorder', new RolloutRecorder({ database, codeStore, onError: reportTo(parts, 'code.pointer.failed') }));
  const agents = parts.set(
    'agents',
    new AgentDirectory({
      database,
      supervisor: () => parts.get('agentSupervisor'),
      runtime,
      worker: {
        hosts: parts.get('hosts'),
        state,
        history,
        monotonicMs,
        onError: reportTo(parts, 'agents.state.failed'),
        syncPath: parts.ground.config.sandbox.syncPath,
        loadArtifact: async (agent, hash) => {
          const loaded = await codeStore.load(agent, hash);
          // The policy may have become narrower since the version was made.
          checkPolicy(loaded.artifact.manifest.contract, policy);
          return loaded;
        },
      },
      rollout: {
        desired: desiredState(database),
        quarantine: quarantineStore(database),
        log: recorder,
        nodePrincipal,
        nowMs: Date.now,
        monotonicMs,
        rehearse: (version, live) => rehearseStates({ version, live, history, use: (work) => parts.get('workHosts').validator.use(work) }),
        queueDepth: () => parts.find('improvements')?.open ?? 0,
        onError: reportTo(parts, 'rollout.observation.failed'),
      },
    }),
  );
  const releaseHolds = codeStore.hold(() => agents.holds());
  const releaseFrozen = codeStore.hold(() => frozenHashes(database));
  const releaseParked = codeStore.hold(async () => new Set(await parkedHashes(database)));
  await agents.startAll((agent, error) =>
    telemetry.log.error({ event: 'agents.start.failed', agent }, `${agent} could not be started: ${error.message}`),
  );
  await adoptFolders(parts);
  const retention = startRetention({ database, nowMs: Date.now, onError: reportTo(parts, 'db.prune.failed') });
  return {
    close: async () => {
      retention.close();
      releaseHolds();
      releaseFrozen();
      releaseParked();
      await brokered.close();
      await callStore.close();
    },
  };
}
