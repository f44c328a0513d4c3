// For tests: nodes with real sandbox hosts on one database, and an agent that counts, in versions with states of different shapes.
import type { Database } from '#db/database.ts';
import { testBroker } from '#kernel/runtime/capabilities/broker.fixture.ts';
import { canonicalJson, sha256 } from '#lib/canonical-json.ts';
import type { Artifact } from '#kernel/compiler/artifact.ts';
import { contractSchema } from '#kernel/compiler/contract.ts';
import { AgentWorker } from '#kernel/runtime/agent-worker.ts';
import type { Invoked, InvokeRequest } from '#kernel/runtime/invoke-request.ts';
import { NOTHING_PARKED } from '#kernel/runtime/parked-call.fixture.ts';
import { Runtime } from '#kernel/runtime/runtime.ts';
import { ServingHosts } from '#kernel/runtime/serving-hosts.ts';
import { rehearseStates } from '#kernel/runtime/state-rehearsal.ts';
import type { StateStore } from '#kernel/runtime/state-store.ts';
import { Rollout } from '#kernel/rollout/rollout.ts';
import { SandboxHost } from '#kernel/sandbox/sandbox-host.ts';
import { uuidv7 } from '#lib/id.ts';
import { stateHistory } from './state-history-store.ts';
import { stateStore } from './state-store.ts';
import { quarantineStore } from './quarantine-store.ts';
import { desiredState, insertAgent } from './store.ts';

/** Few enough that a test meets instances which had to leave the memory. */
export const MAX_INSTANCES = 50;
const PRINCIPAL = { kind: 'user', id: 'tester' };

export interface CountingVersion {
  /** Of the state; default 1. */
  state?: number;
  schema?: Record<string, unknown>;
  /** Body of the handler; default: adds `input.by` to `n` of the state, or to what `member` names. */
  handle?: string;
  /** Where the count is kept; default `n`. */
  member?: string;
  /** A function expression. */
  codeChange?: string;
  stateBytes?: number;
  /** Default: state. */
  capabilities?: readonly string[];
  /** Default 1,000. */
  cpuMs?: number;
  /** JSON Schema; default: any object. */
  input?: Record<string, unknown>;
  /** How long it is watched; default a day: the tests decide themselves what is taken back. */
  observeMs?: number;
}

/** What one node of a test unloads another may be calling. */
class SharedHosts extends ServingHosts {
  override unload(): Promise<void> {
    return Promise.resolve();
  }
}

/** Serving hosts and a validator, for as many benches as there are. */
export class BenchHosts implements AsyncDisposable {
  readonly serving: ServingHosts = new SharedHosts();
  readonly #running: SandboxHost[] = [];
  readonly #replaced: Promise<void>[] = [];
  #closed = false;
  #validator: Promise<SandboxHost> | null = null;

  static async start(count = 1): Promise<BenchHosts> {
    const hosts = new BenchHosts();
    for (let index = 0; index < count; index += 1) await hosts.#start(index);
    return hosts;
  }

  validator(): Promise<SandboxHost> {
    this.#validator ??= SandboxHost.start().then((host) => {
      void host.exited.then(() => (this.#validator = null));
      return host;
    });
    return this.#validator;
  }

  /** kill -9 of a serving host, and another in its place. */
  async kill(index: number): Promise<void> {
    const host = this.#running[index];
    if (host === undefined) throw new Error(`no host ${index}`);
    const replaced = this.#replaced[index];
    host.kill();
    await replaced;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#running.map((host) => host.close()));
    await (await this.#validator)?.close();
  }

  async #start(index: number): Promise<void> {
    const host = await SandboxHost.start();
    this.#running[index] = host;
    this.#replaced[index] = host.exited.then(() => this.#replace(index, host));
    await this.serving.join(`serving-${index}`, host);
  }

  /** Whoever ended it: a busy machine can make the node take one for silent. */
  async #replace(index: number, host: SandboxHost): Promise<void> {
    this.serving.leave(`serving-${index}`, host);
    if (!this.#closed) await this.#start(index);
  }
}

/** The agent that the nodes of a test share. */
export class StateBench implements AsyncDisposable {
  readonly agent = `counter-${uuidv7().slice(-12)}`;
  readonly hosts: BenchHosts;
  readonly database: Database;
  readonly #artifacts: Artifact[] = [];
  readonly #nodes = new Set<StateNode>();

  static async open(database: Database, hosts: BenchHosts): Promise<StateBench> {
    const bench = new StateBench(database, hosts);
    await insertAgent(database, { name: bench.agent, type: 'worker', summary: '', source: 'upload', owner: { kind: 'node', id: 'n' } });
    return bench;
  }

  private constructor(database: Database, hosts: BenchHosts) {
    this.database = database;
    this.hosts = hosts;
  }

  /** @returns its hash */
  version(given: CountingVersion = {}): string {
    const {
      state,
      schema,
      member = 'n',
      codeChange,
      stateBytes,
      cpuMs = 1_000,
      input = { type: 'object' },
      capabilities = ['state'],
      observeMs = 86_400_000,
    } = given;
    const handle =
      given.handle ??
      `const s = (await ctx.state.get()) ?? { ${member}: 0 }; s.${member} += input.by ?? 1; await ctx.state.set(s); return { n: s.${member} };`;
    const contract = contractSchema.parse({
      contract: 1,
      name: this.agent,
      summary: '',
      exports: [{ kind: 'call', name: 'handle', input, output: {} }],
      capabilities,
      limits: { cpuMs, deadlineMs: 60_000, ...(stateBytes === undefined ? {} : { stateBytes }) },
      ...(state === undefined ? {} : { state: { version: state, ...(schema === undefined ? {} : { schema }) } }),
      rollout: { observeMs, maxErrorRateIncrease: 1, maxLimitHits: 1_000_000 },
    });
    const members = codeChange === undefined ? '' : `, codeChange: ${codeChange}`;
    const js = `var __seed_module = (() => { return { default: { async handle(input, ctx) { ${handle} } }${members} }; })();`;
    const number = this.#artifacts.length + 1;
    const hash = sha256(canonicalJson([number, js, contract]));
    const manifest = { manifest: 1, agent: this.agent, contract, parent: null } as unknown as Artifact['manifest'];
    const map = '{"version":3,"sources":[],"names":[],"mappings":""}';
    this.#artifacts.push({ hash, manifest, js, map, evaluationJs: null, sources: {} });
    return hash;
  }

  load(hash: string): { artifact: Artifact; number: number } {
    const index = this.#artifacts.findIndex((artifact) => artifact.hash === hash);
    const artifact = this.#artifacts[index];
    if (artifact === undefined) throw new Error(`no version ${hash}`);
    return { artifact, number: index + 1 };
  }

  /** A node that has brought itself to the desired row. @param wrap puts itself before the store */
  async node(id = 'n1', wrap: (store: StateStore) => StateStore = (store) => store, clockAheadMs = 0): Promise<StateNode> {
    const node = new StateNode(this, id, wrap(stateStore(this.database, id)));
    node.clockAheadMs = clockAheadMs;
    this.#nodes.add(node);
    await node.rollout.reconcile();
    return node;
  }

  async row(key: string) {
    const row = await this.database.db
      .selectFrom('agent_states')
      .selectAll()
      .where('agent', '=', this.agent)
      .where('key', '=', key)
      .executeTakeFirstOrThrow();
    return { ...row, state: row.state === null ? null : (JSON.parse(row.state) as Record<string, unknown>) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.#nodes) await node.close();
  }
}

export class StateNode {
  readonly worker: AgentWorker;
  readonly rollout: Rollout;
  readonly runtime: Runtime;
  readonly errors: unknown[] = [];
  /** How far somebody has set the clock of this node forward. */
  clockAheadMs = 0;
  readonly #agent: string;
  #closed = false;

  constructor(bench: StateBench, id: string, state: StateStore) {
    const { agent, database } = bench;
    const hosts = bench.hosts.serving;
    const history = stateHistory(database);
    const onError = (error: unknown): void => void this.errors.push(error);
    const clocks = { nowMs: () => Date.now() + this.clockAheadMs, monotonicMs: () => performance.now() };
    this.#agent = agent;
    this.worker = new AgentWorker({
      ...{ agent, hosts, state, history, onError, syncPath: true, monotonicMs: clocks.monotonicMs, maxInstances: MAX_INSTANCES },
      loadArtifact: (_, hash) => Promise.resolve(bench.load(hash)),
    });
    this.rollout = new Rollout({
      worker: this.worker,
      desired: desiredState(database),
      quarantine: quarantineStore(database),
      log: { swapped: () => undefined, observed: () => Promise.resolve() },
      nodePrincipal: { kind: 'node', id },
      ...clocks,
      queueDepth: () => 0,
      rehearse: (version, live) => rehearseStates({ version, live, history, use: async (work) => work(await bench.hosts.validator()) }),
      onError,
    });
    this.runtime = new Runtime({
      ...{ hosts, state, ...clocks, broker: testBroker().broker, randomSeed: () => 1 },
      parked: NOTHING_PARKED,
      log: { record: () => undefined },
      onLogLine: () => undefined,
    });
    this.runtime.add(this.worker);
  }

  promote(hash: string) {
    return this.rollout.promote({ hash, principal: PRINCIPAL, reason: 'test' });
  }

  rollback(hash?: string) {
    return this.rollout.rollback({ principal: PRINCIPAL, reason: 'test', ...(hash === undefined ? {} : { hash }) });
  }

  invoke(key: string, input: Record<string, unknown> = {}, given: Partial<InvokeRequest> = {}): Promise<Invoked> {
    return this.runtime.invoke({ agent: this.#agent, input, key, principal: PRINCIPAL, ...given });
  }

  /** @returns what the handler gave as `n` */
  async count(key: string, by = 1, given: Partial<InvokeRequest> = {}): Promise<number> {
    return (JSON.parse((await this.invoke(key, { by }, given)).outputJson) as { n: number }).n;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.rollout.close();
    await this.worker.close();
  }
}
