// The supervised worker of one agent: its loaded versions, the one that new calls go to, and its stateful instances.
import { SeedError } from '#lib/error.ts';
import type { Artifact } from '../compiler/artifact.ts';
import { Strikes } from '../rollout/strikes.ts';
import { CallSampler } from './call-sampler.ts';
import type { CallStream } from './call-stream.ts';
import { Instance, type InstanceTurn } from './instance.ts';
import { ServedVersion } from './served-version.ts';
import type { ServingHosts } from './serving-hosts.ts';
import { StateDescent } from './state-descent.ts';
import type { StateHistory } from './state-history.ts';
import type { StateStore } from './state-store.ts';

/** Versions that stay loaded beside the live one: a rollback and a pinned call find theirs ready. */
const KEPT_LOADED = 3;
const RETIRE_AFTER_MS = 1_000;
/** So many are not left loaded, however fast one swap follows the other. */
const CROWDED = 8;
const MAX_INSTANCES = 1_000;
const QUEUE_LIMIT = 1_000;

export interface AgentWorkerOptions {
  agent: string;
  hosts: ServingHosts;
  state: StateStore;
  history: StateHistory;
  /** What went wrong while nobody waited for it. */
  onError: (error: unknown) => void;
  /** The artifact, checked against its hash and signature, with its number. @throws SeedError `not_found`, `artifact_corrupt` */
  loadArtifact: (agent: string, hash: string) => Promise<{ artifact: Artifact; number: number }>;
  /** Whether quick versions may take the synchronous path. */
  syncPath: boolean;
  /** Monotonic milliseconds. */
  monotonicMs: () => number;
  /** Instances that stay in memory; the one unused for longest goes first. Default 1,000. */
  maxInstances?: number;
}

export interface Switched {
  from: ServedVersion | null;
  to: ServedVersion;
  /** Milliseconds that the flip of the pointer took. */
  flipMs: number;
}

export class AgentWorker {
  readonly sampler = new CallSampler();
  /** Calls that are streaming. */
  readonly streams = new Set<CallStream>();
  /** Whether a version is on trial, so that all its calls are recorded. */
  observed = false;
  /** States that a rollback left above the live version. */
  readonly states: StateDescent;
  readonly #options: AgentWorkerOptions;
  /** Loaded versions, the one used last at the end. */
  readonly #versions = new Map<string, Promise<ServedVersion>>();
  readonly #instances = new Map<string, Instance>();
  readonly #strikes = new Map<string, Strikes>();
  #live: ServedVersion | null = null;
  #closing = false;
  #retirement: NodeJS.Timeout | null = null;

  constructor(options: AgentWorkerOptions) {
    this.#options = options;
    const { agent, hosts, state, history, onError } = options;
    this.states = new StateDescent({
      ...{ agent, hosts, state, history, onError },
      prepare: (hash) => this.prepare(hash),
      instance: (key) => this.instance(key),
      live: () => this.#live,
    });
  }

  get agent(): string {
    return this.#options.agent;
  }

  get live(): ServedVersion | null {
    return this.#live;
  }

  /** Calls in flight, over all versions. */
  async inFlight(): Promise<number> {
    const versions = await Promise.all(this.#versions.values());
    return versions.reduce((sum, version) => sum + version.inFlight, 0);
  }

  get waiting(): number {
    let sum = 0;
    for (const instance of this.#instances.values()) sum += instance.waiting;
    return sum;
  }

  loadedHashes(): readonly string[] {
    return [...this.#versions.keys()];
  }

  /** Loads a version into every serving host without sending it any call. Loading twice is loading once. */
  prepare(hash: string): Promise<ServedVersion> {
    const loaded = this.#versions.get(hash);
    if (loaded !== undefined) {
      this.#versions.delete(hash);
      this.#versions.set(hash, loaded);
      return loaded;
    }
    const loading = this.#load(hash);
    this.#versions.set(hash, loading);
    loading.catch(() => this.#versions.delete(hash));
    return loading;
  }

  /** New calls go to `hash` from here on; calls in flight end where they began. */
  async switchTo(hash: string): Promise<Switched> {
    const to = await this.prepare(hash);
    await this.states.before(to, this.#live);
    const startedMs = this.#options.monotonicMs();
    const from = this.#live;
    this.#live = to;
    const flipMs = this.#options.monotonicMs() - startedMs;
    this.states.after(to, from);
    this.#retireLater();
    return { from, to, flipMs };
  }

  /**
   * The version a call runs on.
   * @throws SeedError `invalid_state` when the worker is stopping, `unavailable` when nothing is live or it rests after too many strikes
   */
  version(pinned: string | undefined): ServedVersion | Promise<ServedVersion> {
    if (this.#closing) throw new SeedError('invalid_state', `the agent ${this.agent} is stopping`, { retryAfterMs: 1_000 });
    if (pinned !== undefined && pinned !== this.#live?.hash) return this.#pinned(pinned);
    if (this.#live === null) throw new SeedError('unavailable', `the agent ${this.agent} has no live version yet`, { retryAfterMs: 1_000 });
    this.#live.checkRest();
    return this.#live;
  }

  /** By hash, over all that is kept of it: a version that is loaded again has not been forgiven. */
  strikes(hash: string): Strikes {
    const known = this.#strikes.get(hash);
    if (known !== undefined) return known;
    for (const [old, { count }] of this.#strikes) if (count === 0 && !this.#versions.has(old)) this.#strikes.delete(old);
    const strikes = new Strikes(this.#options.monotonicMs);
    this.#strikes.set(hash, strikes);
    return strikes;
  }

  /** A person has let it out of quarantine: it begins anew. */
  forgive(hash: string): void {
    this.strikes(hash).clear();
  }

  /** As `version`, for the instance whose turn it is: not every state is where the live version could read it. */
  async versionFor(pinned: string | undefined, key: string, turn: InstanceTurn): Promise<ServedVersion> {
    const version = await this.version(pinned);
    if (pinned !== undefined) return version;
    const its = await this.states.version(version, key, turn);
    its.checkRest();
    return its;
  }

  instance(key: string): Instance {
    const known = this.#instances.get(key);
    if (known !== undefined) {
      this.#instances.delete(key);
      this.#instances.set(key, known);
      return known;
    }
    const { agent, state, monotonicMs } = this.#options;
    const instance = new Instance({ agent, key, store: state, monotonicMs, queueLimit: QUEUE_LIMIT });
    this.#instances.set(key, instance);
    this.#evictInstances();
    return instance;
  }

  /** Nobody waits any longer for what is in flight: streams, which may go on for as long as they are read, are told to end. */
  abandon(): void {
    for (const stream of this.streams) stream.stop();
  }

  /** Refuses new calls, waits for those in flight, gives the instances back and unloads everything. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#retirement !== null) clearTimeout(this.#retirement);
    await this.states.close();
    // One that could not be loaded has no calls.
    await Promise.allSettled([...this.#versions.values()].map(async (loading) => (await loading).drained()));
    await Promise.allSettled([...this.#instances.values()].map((instance) => instance.close()));
    await Promise.all([...this.#versions.keys()].map((hash) => this.#options.hosts.unload(hash)));
    this.#versions.clear();
    this.#live = null;
  }

  async #pinned(hash: string): Promise<ServedVersion> {
    const version = await this.prepare(hash);
    version.checkRest();
    return version;
  }

  async #load(hash: string): Promise<ServedVersion> {
    const { artifact, number } = await this.#options.loadArtifact(this.agent, hash);
    const version = new ServedVersion(artifact, { number, syncPath: this.#options.syncPath, strikes: this.strikes(hash) });
    await this.#options.hosts.load(version.loadRequest);
    return version;
  }

  /** Not while the first calls reach the new version: to end an isolate takes its host milliseconds. */
  #retireLater(): void {
    if (this.#versions.size > CROWDED) return void this.#retireOld();
    this.#retirement ??= setTimeout(() => {
      this.#retirement = null;
      void this.#retireOld();
    }, RETIRE_AFTER_MS).unref();
  }

  /** Unloads the versions used longest ago. */
  async #retireOld(): Promise<void> {
    const old = [...this.#versions.keys()].filter((hash) => hash !== this.#live?.hash && !this.states.answers(hash)).slice(0, -KEPT_LOADED);
    // One after the other: unloading is never urgent
    for (const hash of old) await this.retire(hash);
  }

  /** Unloads a version that is not live, once its last call has ended. Whoever asks for it loads it again. */
  async retire(hash: string): Promise<void> {
    if (this.states.answers(hash)) return;
    const loading = this.#versions.get(hash);
    this.#versions.delete(hash);
    const version = await loading?.catch(() => null);
    if (version === null || version === undefined) return;

    await version.drained();
    // It may have been asked for again meanwhile.
    if (!this.#versions.has(hash)) await this.#options.hosts.unload(hash);
  }

  #evictInstances(): void {
    const { maxInstances = MAX_INSTANCES } = this.#options;
    for (const [key, instance] of this.#instances) {
      if (this.#instances.size <= maxInstances) return;
      if (instance.waiting > 0) continue;
      this.#instances.delete(key);
      void instance.close();
    }
  }
}
