// The agents of this node: one supervised worker each, brought to what their desired row says.
import type { Database } from '#db/database.ts';
import { isSeedError, SeedError } from '#lib/error.ts';
import { nearest } from '#lib/nearest.ts';
import type { Unusable } from '#kernel/code-store/restoration.ts';
import { Turns } from '#kernel/code-store/turns.ts';
import { AgentWorker, type AgentWorkerOptions } from '#kernel/runtime/agent-worker.ts';
import type { Runtime } from '#kernel/runtime/runtime.ts';
import type { Quarantine } from '#kernel/rollout/quarantine.ts';
import { Rollout, type RolloutOptions } from '#kernel/rollout/rollout.ts';
import { serviceChild } from '#kernel/supervisor/service-child.ts';
import type { Supervisor } from '#kernel/supervisor/supervisor.ts';
import { getAgent, listAgents, updateAgent, type AgentRow } from './store.ts';

const SHUTDOWN_MS = 10_000;

export type AgentState = 'defined' | 'starting' | 'idle' | 'busy' | 'stopping' | 'stopped' | 'error';

export interface AgentDirectoryOptions {
  database: Database;
  /** The agents are its dynamic children. */
  supervisor: () => Supervisor;
  runtime: Runtime;
  worker: Omit<AgentWorkerOptions, 'agent'>;
  rollout: Omit<RolloutOptions, 'worker'>;
}

interface Running {
  worker: AgentWorker;
  rollout: Rollout;
}

export class AgentDirectory {
  readonly #options: AgentDirectoryOptions;
  readonly #running = new Map<string, Running>();
  /** Known names, so that "did you mean" needs no database. */
  readonly #names = new Set<string>();
  readonly #stopping = new Set<string>();
  /** One start or stop of an agent at a time: a start that was cut off by a stop would look like a fault of the agent. */
  readonly #turns = new Turns();
  /** Those that should run and could not be started, and why. */
  readonly #failed = new Map<string, string>();

  constructor(options: AgentDirectoryOptions) {
    this.#options = options;
  }

  /** Starts every agent that should be running. One that can not start does not keep the others from it. */
  async startAll(onError: (agent: string, error: Error) => void): Promise<void> {
    const rows = await listAgents(this.#options.database);
    await Promise.all(
      rows.map(async (row) => {
        this.#names.add(row.name);
        if (row.desired !== 'running') return;
        const problem = await this.#startChild(row.name);
        if (problem !== null) onError(row.name, new Error(problem));
      }),
    );
  }

  start(name: string): Promise<void> {
    return this.#turns.take(name, async () => {
      await getAgent(this.#options.database, name);
      this.#names.add(name);
      await updateAgent(this.#options.database, name, { desired: 'running' });
      const problem = await this.#startChild(name);
      if (problem !== null) throw new SeedError('unavailable', `${name} could not be started: ${problem}`);
    });
  }

  /** @param force do not wait for calls in flight */
  stop(name: string, force: boolean): Promise<void> {
    return this.#turns.take(name, () => this.#stop(name, force));
  }

  /** @throws SeedError `not_found`, `invalid_state` when it is stopped, `unavailable` when it could not be started */
  rollout(name: string): Rollout {
    return this.running(name).rollout;
  }

  /** @throws as `rollout` */
  running(name: string): { readonly worker: AgentWorker; readonly rollout: Rollout } {
    const running = this.#running.get(name);
    if (running !== undefined) return running;
    const problem = this.#failed.get(name);
    if (problem !== undefined) {
      throw new SeedError('unavailable', `${name} could not be started: ${problem}`, { hint: `seed agents:start ${name} tries again` });
    }
    if (this.#names.has(name)) throw new SeedError('invalid_state', `${name} is not running`, { hint: `seed agents:start ${name}` });
    throw this.unknown(name);
  }

  get quarantine(): Quarantine {
    return this.#options.rollout.quarantine;
  }

  worker(name: string): AgentWorker | null {
    return this.#running.get(name)?.worker ?? null;
  }

  /** Agents that should run and do not, with the reason. */
  failed(): ReadonlyMap<string, string> {
    return this.#failed;
  }

  names(): readonly string[] {
    return [...this.#names];
  }

  /** Hashes that must not leave this node: live, stable, previous, of stopped agents too, and whatever is loaded for calls in flight. */
  async holds(): Promise<ReadonlySet<string>> {
    const rows = await this.#options.rollout.desired.list();
    const desired = rows.flatMap((row) => [row.stable, row.canary, row.previous]);
    const loaded = [...this.#running.values()].flatMap(({ worker }) => worker.loadedHashes());
    return new Set([...desired, ...loaded].filter((hash) => hash !== null));
  }

  /** A version has ended the sandbox host that it ran in. */
  async strike(hash: string): Promise<void> {
    for (const { worker, rollout } of this.#running.values()) {
      if (worker.loadedHashes().includes(hash)) await rollout.strike(hash);
    }
  }

  unknown(name: string): SeedError {
    const close = nearest(name, [...this.#names]);
    return new SeedError('not_found', `there is no agent ${JSON.stringify(name.slice(0, 80))}`, {
      hint: close === undefined ? 'seed agents:list shows all of them' : `did you mean ${close}?`,
    });
  }

  /** @throws SeedError `not_found` with the nearest name */
  async get(name: string): Promise<AgentRow> {
    try {
      return await getAgent(this.#options.database, name);
    } catch (error) {
      if (error instanceof SeedError && error.code === 'not_found') throw this.unknown(name);
      throw error;
    }
  }

  async state(row: AgentRow): Promise<AgentState> {
    const running = this.#running.get(row.name);
    if (this.#stopping.has(row.name)) return 'stopping';
    if (running === undefined) {
      if (row.desired === 'stopped') return 'stopped';
      const child = this.#options
        .supervisor()
        .whichChildren()
        .find((entry) => entry.id === row.name);
      return child?.child === 'restarting' ? 'starting' : 'error';
    }
    if (running.worker.live === null) return 'defined';
    return (await running.worker.inFlight()) > 0 ? 'busy' : 'idle';
  }

  async #stop(name: string, force: boolean): Promise<void> {
    await getAgent(this.#options.database, name);
    await updateAgent(this.#options.database, name, { desired: 'stopped' });
    this.#failed.delete(name);
    const supervisor = this.#options.supervisor();
    if (force) {
      const running = this.#running.get(name);
      if (running !== undefined) this.#options.runtime.remove(running.worker);
    }
    this.#stopping.add(name);
    try {
      await supervisor.terminateChild(name);
      await supervisor.deleteChild(name);
    } finally {
      this.#stopping.delete(name);
    }
  }

  /** @returns why it did not start, or null */
  async #startChild(name: string): Promise<string | null> {
    const problem = await this.#tryStart(name);
    if (problem === null) this.#failed.delete(name);
    else this.#failed.set(name, problem);
    return problem;
  }

  /**
   * The live version is damaged in every copy: the one before it takes its place again, for everybody and on record. What is only
   * not to be had here (no key for it, no database) is nobody else's trouble: the agent does not run on this node, which says so.
   */
  async #fallBack(rollout: Rollout, error: unknown): Promise<void> {
    const { nodePrincipal, onError } = this.#options.rollout;
    if (!isSeedError(error) || error.code !== 'artifact_corrupt' || rollout.rollbackTarget === null) throw error;
    if ((error.details as { why?: Unusable } | undefined)?.why !== 'damaged') throw error;
    onError(error);
    await rollout.rollback({ principal: nodePrincipal, reason: error.message });
  }

  /** @returns why it did not start, or null */
  async #tryStart(name: string): Promise<string | null> {
    const { runtime, worker: workerOptions, rollout: rolloutOptions } = this.#options;
    const result = await this.#options.supervisor().startChild({
      id: name,
      restart: 'transient',
      shutdownMs: SHUTDOWN_MS,
      start: serviceChild(async ({ signal }) => {
        const worker = new AgentWorker({ ...workerOptions, agent: name });
        signal.addEventListener('abort', () => worker.abandon(), { once: true });
        const rollout = new Rollout({ ...rolloutOptions, worker });
        await rollout.reconcile().catch((error: unknown) => this.#fallBack(rollout, error));
        const running = { worker, rollout };
        this.#running.set(name, running);
        runtime.add(worker);
        return {
          close: async () => {
            await rollout.close();
            await worker.close();
            runtime.remove(worker);
            if (this.#running.get(name) === running) this.#running.delete(name);
          },
        };
      }),
    });
    if (result.ok || result.error === 'already_started') return null;
    if (result.error !== 'already_present') return result.message;
    const restarted = await this.#options.supervisor().restartChild(name);
    return restarted.ok || restarted.error === 'running' ? null : restarted.message;
  }
}
