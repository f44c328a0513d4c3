// The parts of a running node. Each is made by the child that owns it, from those before it, and made again when its child is.
import type { Config, ConfigSources } from '../config.ts';
import type { Database } from '#db/database.ts';
import type { ApprovalDesk } from '#domains/approvals/index.ts';
import type { SettingsView } from '#domains/config/settings-view.ts';
import type { Improvements } from '#domains/evolution/improver.ts';
import type { TriggerCycle } from '#domains/evolution/trigger-cycle.ts';
import type { NodeInfo, NodePorts } from '#domains/ports.ts';
import type { AgentDirectory } from '#domains/runtime/agent-directory.ts';
import type { CallStore } from '#domains/runtime/call-store.ts';
import type { ParkedCallDesk } from '#domains/runtime/parked-call-desk.ts';
import type { ParkedCallResumer } from '#domains/runtime/parked-call-resumer.ts';
import type { RolloutRecorder } from '#domains/runtime/rollout-recorder.ts';
import type { Stager } from '#domains/runtime/stager.ts';
import type { HttpServer } from '#interfaces/http/http-server.ts';
import type { ThreadedCompiler } from '#kernel/compiler/threaded-compiler.ts';
import type { CodeStore } from '#kernel/code-store/code-store.ts';
import type { Health } from '#kernel/health.ts';
import type { Policy } from '#kernel/runtime/capabilities/policy.ts';
import type { Runtime } from '#kernel/runtime/runtime.ts';
import type { SandboxHost } from '#kernel/sandbox/sandbox-host.ts';
import type { ServingHosts } from '#kernel/runtime/serving-hosts.ts';
import type { BackOff } from '#kernel/supervisor/back-off.ts';
import type { ProcessRegistry } from '#kernel/supervisor/process-registry.ts';
import type { RootInfo } from '#kernel/supervisor/root-link.ts';
import type { Supervisor } from '#kernel/supervisor/supervisor.ts';
import { SeedError } from '#lib/error.ts';
import type { Telemetry } from '#telemetry/telemetry.ts';
import type { CodingClis } from './coding-clis.ts';
import type { Screen } from './screen.ts';
import type { WorkHosts } from './work-hosts.ts';

/** There from the first moment. */
export interface Ground {
  config: Config;
  policy: Policy;
  configSources: ConfigSources;
  info: NodeInfo;
  root: RootInfo | undefined;
  telemetry: Telemetry;
  http: HttpServer<NodePorts>;
  adminToken: string;
  newFolder: boolean;
  socket: string | null;
  screen: Screen;
  processes: ProcessRegistry;
  codingClis: CodingClis;
  /** Ends the process in good order, with this exit code. */
  stop: (reason: string, exitCode: number) => void;
  monotonicMs: () => number;
}

/** Made one after the other while the node starts. */
export interface Made {
  /** The database while it opens, until its child takes it over. */
  opening: Promise<Database> | null;
  database: Database;
  settings: SettingsView;
  health: Health;
  compiler: ThreadedCompiler;
  hosts: ServingHosts;
  workHosts: WorkHosts;
  codeStore: CodeStore;
  stager: Stager;
  callStore: CallStore;
  parkedCalls: ParkedCallDesk;
  resumer: ParkedCallResumer;
  recorder: RolloutRecorder;
  runtime: Runtime;
  agents: AgentDirectory;
  approvals: ApprovalDesk;
  improvements: Improvements;
  triggers: TriggerCycle;
  /** The supervisors that have dynamic children. */
  agentSupervisor: Supervisor;
  workSupervisor: Supervisor;
  node: Supervisor;
  /** The node's children that have failed too often, and when they are tried again. */
  backOff: BackOff;
}

export class Parts {
  readonly ground: Ground;
  /** Sandbox hosts that run now, whatever for. */
  readonly runningHosts = new Map<SandboxHost, 'serving' | 'validator' | 'evaluator'>();
  readonly #made: Partial<Made> = {};

  constructor(ground: Ground) {
    this.ground = ground;
  }

  set<K extends keyof Made>(name: K, part: Made[K]): Made[K] {
    this.#made[name] = part;
    return part;
  }

  /** @throws SeedError `unavailable` while the child that makes it is not there */
  get<K extends keyof Made>(name: K): Made[K] {
    const part = this.#made[name];
    if (part === undefined) throw new SeedError('unavailable', `${name} is not there yet`, { retryAfterMs: 1_000 });
    return part;
  }

  /** The child that made it has ended, and others go on without it. */
  drop(name: keyof Made): void {
    delete this.#made[name];
  }

  find<K extends keyof Made>(name: K): Made[K] | undefined {
    return this.#made[name];
  }
}
