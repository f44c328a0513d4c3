// Puts a payload through the product's own way (compile, policy, contract, validator, store, hosts, call) on a real node, and says
// what became of it, by what can be seen from outside.
import { Compiler } from '#kernel/compiler/compiler.ts';
import { toSeedError } from '#lib/error.ts';
import { until } from '../until.ts';
import type { Arena } from './arena.ts';
import { DEADLINE_MS, filesOf, INPUT, type Payload } from './payload.ts';

const WARM_AT_ONCE = 8;
/** How long no host may have worked hard, before an attack is over. A host gives an isolate 100 ms to end, and then ends itself. */
const CALM_MS = 20;
const STUCK_CALM_MS = 180;
const IDLE_MS = 400;
/** An answer that has not come by then does not come. */
const NEVER_MS = 20_000;
const NEVER_SEARCHED_MS = 120_000;
const SEARCH = { proposer: 'genetic', budget: '1s', seed: 1 };
const SEARCH_ENDS: ReadonlySet<string> = new Set(['live', 'verifying', 'no_gain', 'rejected', 'rolled_back', 'failed', 'cancelled']);

export interface Verdict {
  payload: Payload;
  /** What the static policy says of it. Never counted: everything is run as if it had been passed. */
  policy: 'passed' | 'refused';
  /** How its last call, or its making, ended: `answered`, or the code of the error. */
  how: string;
  /** What it got hold of; null: nothing. */
  escaped: string | null;
  /** From its deadline until it was answered and no host worked on it any more, ms; negative: before. */
  afterDeadlineMs: number;
  growthBytes: number;
  hostsLost: number;
  nodeAlive: boolean;
  neighbour: { calls: number; failed: number; lastFailure: string | null; longestMs: number };
  /** It did what it came for without being stopped: code that should not have ended did. */
  isDud: boolean;
}

interface Answer {
  how: string;
  text: string;
  endedMs: number;
}

export class Judge implements AsyncDisposable {
  readonly #arena: Arena;
  readonly #compiler = new Compiler();
  #serving: readonly number[] = [];
  #traces: ReadonlySet<string> = new Set();

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  async judge(payload: Payload): Promise<Verdict> {
    const arena = this.#arena;
    const policy = await this.#policy(payload);
    if (this.#serving.length === 0) this.#serving = await arena.servingHosts();
    await arena.begin();
    const { last, texts } = await this.#attack(payload);
    const { hosts, neighbour, lingeredMs } = await arena.seen(payload.aim === 'escape' ? CALM_MS : STUCK_CALM_MS);
    const untouched = arena.isNodeAlive() ? await arena.isInnocentUntouched() : null;
    const logs = payload.aim === 'escape' ? JSON.stringify((await this.#logs(payload)) ?? '') : '';
    await this.#api('POST', `/api/agents/${payload.name}/stop`, { force: true });
    const lost = this.#serving.filter((pid) => hosts.gone.includes(pid));
    if (hosts.gone.length > 0) this.#serving = [];
    const verdict: Verdict = {
      payload,
      policy,
      how: last.how,
      escaped: await this.#evidence({
        payload,
        told: `${texts.join('\n')}\n${logs}\n${arena.output()}`,
        children: hosts.children,
        lost,
        untouched,
      }),
      afterDeadlineMs: last.endedMs + lingeredMs - DEADLINE_MS[payload.place],
      growthBytes: hosts.growthBytes,
      hostsLost: hosts.gone.length,
      nodeAlive: arena.isNodeAlive(),
      neighbour: { ...neighbour, failed: neighbour.failed + (untouched === null ? 1 : 0) },
      isDud: last.how === 'answered' && payload.mayAnswer !== true,
    };
    return verdict;
  }

  /** What the neighbour suffers while nobody attacks: this machine's own stalls. */
  async idle(): Promise<Verdict['neighbour']> {
    await this.#arena.servingHosts();
    await this.#arena.begin();
    return (await this.#arena.seen(IDLE_MS)).neighbour;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#compiler.close();
  }

  async #policy(payload: Payload): Promise<Verdict['policy']> {
    try {
      await this.#compiler.compileChecked(filesOf(payload, this.#arena.canary.arms));
      return 'passed';
    } catch (error) {
      return toSeedError(error).code === 'policy_refused' ? 'refused' : 'passed';
    }
  }

  async #attack(payload: Payload): Promise<{ last: Answer; texts: string[] }> {
    const { name, calls = 1, warmUp = 0 } = payload;
    const made = await this.#api('POST', '/api/agents', { from: filesOf(payload, this.#arena.canary.arms) });
    if (made.how !== 'answered') return { last: made, texts: [made.text] };
    if (payload.place === 'evaluation') {
      const searched = await this.#search(payload);
      return { last: searched, texts: [made.text, searched.text] };
    }
    for (let done = 0; done < warmUp; done += WARM_AT_ONCE) {
      const warm = { input: { ...INPUT, n: 0 } };
      const answers = await Promise.all(Array.from({ length: WARM_AT_ONCE }, () => this.#api('POST', `/api/agents/${name}/invoke`, warm)));
      const failed = answers.find(({ how }) => how !== 'answered');
      if (failed !== undefined) throw new Error(`${name} was not answered while it was still good: ${failed.text.slice(0, 500)}`);
    }
    const answers: Answer[] = [];
    for (let call = 0; call < calls; call += 1) answers.push(await this.#api('POST', `/api/agents/${name}/invoke`, { input: INPUT }));
    // The one that took longest stands for all.
    const endedMs = Math.max(...answers.map((answer) => answer.endedMs));
    const last = answers.at(-1) ?? made;
    // Whose top level did not fail has not been stopped by anything.
    return { last: { ...last, endedMs }, texts: [made.text, ...answers.map(({ text }) => text)] };
  }

  /** Has the agent bettered, by its own evaluation, and waits until the search has come to an end of its own. */
  async #search({ name }: Payload): Promise<Answer> {
    const startedMs = performance.now();
    const { seed } = this.#arena;
    const begun = await seed.api<{ data?: { id: string }; code?: string }>('POST', `/api/agents/${name}/improvements`, SEARCH);
    const id = begun.body.data?.id;
    if (id === undefined)
      return { how: begun.body.code ?? 'refused', text: JSON.stringify(begun.body), endedMs: performance.now() - startedMs };
    const ended = await until(
      () => seed.api<{ data: { state: string } }>('GET', `/api/improvements/${id}`),
      ({ body }) => SEARCH_ENDS.has(body.data.state),
      NEVER_SEARCHED_MS,
    ).catch(() => null);
    const state = ended?.body.data.state ?? 'never';
    return {
      how: state === 'never' ? state : `search ${state}`,
      text: JSON.stringify(ended?.body ?? null),
      endedMs: performance.now() - startedMs,
    };
  }

  /** `answered`, or the error's code; 0 is no answer at all. */
  async #api(method: string, path: string, body: unknown): Promise<Answer> {
    const startedMs = performance.now();
    const { status, body: answer } = await Promise.race([
      this.#arena.seed
        .api<{ code?: string } | null>(method, path, body)
        .catch((error: unknown) => ({ status: 0, body: { code: `broken: ${String(error)}` } })),
      new Promise<{ status: number; body: { code: string } }>((resolve) =>
        setTimeout(() => resolve({ status: 0, body: { code: 'never' } }), NEVER_MS).unref(),
      ),
    ]);
    const endedMs = performance.now() - startedMs;
    return { how: status >= 200 && status < 300 ? 'answered' : (answer?.code ?? String(status)), text: JSON.stringify(answer), endedMs };
  }

  async #logs({ name }: Payload): Promise<unknown> {
    return (await this.#arena.seed.api('GET', `/api/agents/${name}/logs?lines=200`).catch(() => null))?.body;
  }

  async #evidence(seen: {
    payload: Payload;
    told: string;
    children: readonly string[];
    lost: readonly number[];
    untouched: boolean | null;
  }): Promise<string | null> {
    const { payload, told, children, lost, untouched } = seen;
    const { canary } = this.#arena;
    const before = this.#traces;
    const traces = await canary.traces();
    this.#traces = new Set(traces);
    const [fresh] = traces.filter((trace) => !before.has(trace));
    if (canary.isTold(told)) return 'told what it must not know';
    if (fresh !== undefined) return `left a trace: ${fresh}`;
    if (children.length > 0) return `started ${children[0]}`;
    if (untouched === false) return 'changed the realm of an innocent version';
    // Those that are only after something have no business ending their host.
    if (payload.aim === 'escape' && lost.length > 0) return 'ended its host';
    return null;
  }
}
