// What becomes of states whose version is above the live one, after a rollback. In this order, for each instance by itself:
//   down      the writer's codeChange goes down, if going up again from there gives exactly the same state: nothing is lost
//   snapshot  what the state was before, if no call has written since
//   frozen    else the version that wrote it goes on answering that instance, until somebody decides
import { isDeepStrictEqual } from 'node:util';
import { SeedError, toSeedError } from '#lib/error.ts';
import { emit } from '#telemetry/emit.ts';
import type { Instance, InstanceTurn } from './instance.ts';
import type { ServedVersion } from './served-version.ts';
import type { ServingHosts } from './serving-hosts.ts';
import { changeState, onServingHosts } from './state-change.ts';
import type { StateHistory } from './state-history.ts';
import type { Claim, StateStore } from './state-store.ts';

/** A writer whose codeChange hit its limits so often is not asked again: each time costs a caller the whole limit. */
const MAX_LIMIT_HITS = 3;
/** Instances looked for at a time. */
const PAGE = 200;
const LEASE_MS = 15_000;

export interface StateDescentOptions {
  agent: string;
  hosts: ServingHosts;
  state: StateStore;
  history: StateHistory;
  /** Loads a version into the serving hosts. */
  prepare: (hash: string) => Promise<ServedVersion>;
  instance: (key: string) => Instance;
  live: () => ServedVersion | null;
  onError: (error: unknown) => void;
}

export class StateDescent {
  readonly #options: StateDescentOptions;
  /** Hashes that go on answering frozen instances here: they stay loaded. */
  readonly #answering = new Set<string>();
  /** Whether any instance may have a state above the live version. While it can not, nobody looks. */
  #mayBeAbove = false;
  /** How often going down hit a limit, by the hash of the writer. */
  readonly #limitHits = new Map<string, number>();
  #sweep: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: StateDescentOptions) {
    this.#options = options;
  }

  answers(hash: string): boolean {
    return this.#answering.has(hash);
  }

  /** Before new calls go to `to`: from that moment on every one of them must be looked at, if there is anything to look for. */
  async before(to: ServedVersion, from: ServedVersion | null): Promise<void> {
    if (!to.stateful || readTheSame(from, to)) return;
    if (from?.stateful === true && from.stateVersion > to.stateVersion) {
      this.#mayBeAbove = true;
      return;
    }
    const { agent, history } = this.#options;
    // Not to know is to look.
    const isAbove = await history.hasAbove(agent, to.stateVersion).catch(() => true);
    this.#mayBeAbove ||= isAbove;
  }

  /** After the flip: takes what it can down in the background, so that what is left to decide shows soon. */
  after(to: ServedVersion, from: ServedVersion | null): void {
    if (!to.stateful || readTheSame(from, to)) return;
    this.#sweep = this.#sweep.then(() => this.#takeAllDown(to)).catch(this.#options.onError);
  }

  /** The version that answers the instance whose turn it is. @throws SeedError `conflict`, and what loading a version says */
  version(live: ServedVersion, key: string, turn: InstanceTurn): ServedVersion | Promise<ServedVersion> {
    return this.#mayBeAbove && live.stateful ? this.#versionOf(live, { key, turn }) : live;
  }

  /** Some other node got further: from here on look. */
  metAbove(): void {
    this.#mayBeAbove = true;
  }

  /**
   * What was asked when an instance was frozen. discard: its state becomes what it was before the newer version, and what calls
   * have written since is kept as a snapshot only. keep: its version goes on answering, and nobody is asked again.
   * @throws SeedError `not_found` when it is not frozen
   */
  async decide(key: string, decision: 'discard' | 'keep'): Promise<void> {
    const { agent, history, instance, live } = this.#options;
    const notFrozen = (): SeedError =>
      new SeedError('not_found', `the instance ${JSON.stringify(key)} of ${agent} is not frozen`, {
        hint: `see: seed agents:status ${agent}`,
      });
    if (decision === 'keep') {
      if (!(await history.keep(agent, key))) throw notFrozen();
      return;
    }
    await instance(key).turn(async (turn) => {
      const claim = await turn.claim();
      const version = live();
      if (claim.frozenHash === null || version === null || claim.stateVersion <= version.stateVersion) throw notFrozen();
      await turn.settle((at) => history.restore(at, { stateVersion: version.stateVersion, discard: true }));
      this.#tell('discarded', { key, from: claim.stateVersion, to: version.stateVersion, bytes: claim.stateJson?.length ?? 0 });
    });
  }

  /** Resolves when nothing is taken down any more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#sweep;
  }

  async #takeAllDown(to: ServedVersion): Promise<void> {
    const { agent, history, instance, live } = this.#options;
    await history.thaw(agent, to.stateVersion);
    this.#answering.clear();
    for (const { hash } of await history.frozen(agent)) this.#answering.add(hash);
    if (!this.#mayBeAbove) return;
    let after: string | null = null;
    for (;;) {
      const keys: readonly string[] = await history.keysAbove(agent, { stateVersion: to.stateVersion, after, limit: PAGE });
      for (const key of keys) {
        // Whoever switches to another version of the state begins again.
        const current = live();
        if (this.#closed || current === null || !readTheSame(current, to)) return;
        await instance(key)
          .turn((turn) => Promise.resolve(this.version(current, key, turn)))
          // Held by another node, which does the same, or full: its next call does it.
          .catch((error: unknown) => {
            if (toSeedError(error).code === 'internal') this.#options.onError(error);
          });
      }
      after = keys.at(-1) ?? null;
      if (keys.length < PAGE) return;
    }
  }

  async #versionOf(live: ServedVersion, { key, turn }: { key: string; turn: InstanceTurn }): Promise<ServedVersion> {
    const claim = await turn.claim();
    if (claim.stateJson === null || claim.stateHash === null || claim.stateVersion <= live.stateVersion) return live;
    if (claim.frozenHash !== null) return this.#frozen(claim.frozenHash);
    const { state, history, agent } = this.#options;
    const way = { key, from: claim.stateVersion, to: live.stateVersion, bytes: claim.stateJson.length };
    const down = await this.#down(live, { key, claim: { ...claim, stateJson: claim.stateJson, stateHash: claim.stateHash } });
    if (down.ok) {
      const write = {
        stateJson: down.stateJson,
        stateHash: live.hash,
        stateVersion: live.stateVersion,
        written: false,
        replacesVersion: true,
      };
      await turn.settle((at) => state.commit({ agent, instance: { key, fence: at.fence, ...write }, idempotency: null }, LEASE_MS));
      this.#tell('down', way);
      return live;
    }
    if (await turn.settle((at) => history.restore(at, { stateVersion: live.stateVersion, discard: false }))) {
      this.#tell('snapshot', way);
      return live;
    }
    const { stateHash } = claim;
    await turn.settle((at) => history.freeze(at, { hash: stateHash, reason: down.reason }));
    const version = await this.#frozen(stateHash);
    emit('seed_agent.state.frozen', { bytes: way.bytes }, { agent, key, version: version.label, reason: down.reason });
    return version;
  }

  /** Proven on the very state it is about: up again from what it gives must be what is there. */
  async #down(
    live: ServedVersion,
    { key, claim }: { key: string; claim: Claim & { stateJson: string; stateHash: string } },
  ): Promise<{ ok: true; stateJson: string } | { ok: false; reason: string }> {
    const run = onServingHosts(this.#options.hosts);
    let writer: ServedVersion;
    try {
      writer = await this.#options.prepare(claim.stateHash);
    } catch (thrown) {
      const error = toSeedError(thrown);
      if (error.status === 503) throw error;
      return { ok: false, reason: `the version that wrote it can not be loaded: ${error.message}` };
    }
    if (writer.strikes.restingMs > 0) return { ok: false, reason: `${writer.label} has ended too many sandbox hosts to be called now` };
    const hits = this.#limitHits.get(writer.hash) ?? 0;
    if (hits >= MAX_LIMIT_HITS) return { ok: false, reason: `codeChange of ${writer.label} hit its limits ${hits} times` };
    if (writer.stateVersion !== claim.stateVersion)
      return { ok: false, reason: `${writer.label} does not say that it writes version ${claim.stateVersion}` };
    const change = { down: live.stateVersion };
    const down = await changeState({ version: writer, target: live, key, stateJson: claim.stateJson, change }, run);
    if (!down.ok) {
      if (down.blamed === 'limit') this.#limitHits.set(writer.hash, hits + 1);
      // Nobody's fault, and no reason to decide anything: whoever calls may try again.
      if (down.blamed === null) throw down.error;
      return { ok: false, reason: down.error.message };
    }
    const up = await changeState({ version: writer, key, stateJson: down.stateJson, change: { from: live.stateVersion } }, run);
    if (!up.ok) {
      if (up.blamed === null) throw up.error;
      return { ok: false, reason: up.error.message };
    }
    if (isDeepStrictEqual(JSON.parse(up.stateJson), JSON.parse(claim.stateJson))) return down;
    return { ok: false, reason: `going down would lose something: up again from there, the state is another` };
  }

  #frozen(hash: string): Promise<ServedVersion> {
    this.#answering.add(hash);
    return this.#options.prepare(hash);
  }

  #tell(way: 'down' | 'snapshot' | 'discarded', { key, from, to, bytes }: { key: string; from: number; to: number; bytes: number }): void {
    emit('seed_agent.state.changed', { bytes }, { agent: this.#options.agent, key, way, from: String(from), to: String(to) });
  }
}

function readTheSame(one: ServedVersion | null, other: ServedVersion): boolean {
  return one?.stateful === true && other.stateful && one.stateVersion === other.stateVersion;
}
