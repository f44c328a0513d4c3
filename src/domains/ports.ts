// What the composition root of a node hands to the handlers of operations. Types only: definitions stay light.
import type { Database } from '#db/database.ts';
import type { CodeStore } from '#kernel/code-store/code-store.ts';
import type { Health } from '#kernel/health.ts';
import type { SandboxLayer } from '#kernel/sandbox/layers.ts';
import type { SandboxHost } from '#kernel/sandbox/sandbox-host.ts';
import type { ChildDescription } from '#kernel/supervisor/description.ts';
import type { Runtime } from '#kernel/runtime/runtime.ts';
import type { WorkerHosts } from '#kernel/runtime/worker-hosts.ts';
import type { Registry } from '#operation/registry.ts';
import type { LogRecords } from '#telemetry/log-records.ts';
import type { AgentDirectory } from './runtime/agent-directory.ts';
import type { ChatDesk } from './runtime/chat-desk.ts';
import type { ParkedCallDesk } from './runtime/parked-call-desk.ts';
import type { ParkedCallResumer } from './runtime/parked-call-resumer.ts';
import type { Stager } from './runtime/stager.ts';
import type { ApprovalDesk } from './approvals/index.ts';
import type { SettingsView } from './config/settings-view.ts';
import type { Improvements } from './evolution/improver.ts';
import type { TriggerCycle } from './evolution/trigger-cycle.ts';

export interface NodeInfo {
  id: string;
  version: string;
  mode: 'embedded' | 'cluster';
  startedAtMs: number;
  /** Where the node can be reached, without a trailing slash; null without a TCP listener. */
  url: string | null;
}

export interface HostView {
  host: string;
  pid: number;
  isolates: number;
  executing: number;
  calls: number;
  versions: number;
  memoryMb: number | null;
  lagMs: number;
}

export interface NodePorts {
  node: NodeInfo;
  registry: Registry<NodePorts>;
  database: Database;
  agents: AgentDirectory;
  runtime: Runtime;
  parkedCalls: ParkedCallDesk;
  resumer: ParkedCallResumer;
  codeStore: CodeStore;
  stager: Stager;
  /** Lends out the host that runs what serves nobody: candidates, replays. */
  validator: Pick<WorkerHosts<SandboxHost>, 'use'>;
  improvements: Improvements;
  triggers: TriggerCycle;
  approvals: ApprovalDesk;
  chat: ChatDesk;
  settings: SettingsView;
  health: Health;
  logs: LogRecords;
  /** Prometheus text. */
  metricsText: (which: 'all' | 'seed' | 'process') => Promise<string>;
  /** Growth of the counters over the last so many milliseconds, as Prometheus text. */
  metricsIncrease: (periodMs: number) => Promise<string>;
  /** The supervision tree as plain data, with memory and uptime. */
  tree: () => Promise<ChildDescription>;
  /** What stands between agents' code and this machine, as it is found at the hosts that run. */
  sandboxLayers: () => Promise<readonly SandboxLayer[]>;
  /** Resident memory of the whole process tree. */
  memoryBytes: () => Promise<number>;
  resetRestartCounters: () => number;
  /** Ends the process with the code that makes the root supervisor start it again. */
  restart: (options: { force: boolean }) => void;
  /** @throws SeedError `not_found`, `invalid_input` for one that others stand on, `invalid_state` */
  restartChild: (path: string, options: { stop: boolean; dryRun: boolean }) => Promise<void>;
  /** Sandbox hosts that run now. */
  hosts: () => readonly HostView[];
}
