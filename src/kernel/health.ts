// Is this node well? One report for probes, people and load balancers, cheap enough that asking often does no harm.
import type { SeedError } from '#lib/error.ts';

/** In the words of the health+json form. */
export type CheckStatus = 'pass' | 'warn' | 'fail';

export interface CheckResult {
  status: CheckStatus;
  observedValue?: number | string;
  observedUnit?: string;
  /** What is wrong and what to do; not for `pass`. */
  output?: string;
}

export interface HealthCheck {
  /** `component:measurement`, for example `database:query`; unique. */
  name: string;
  component: 'component' | 'datastore' | 'system';
  /**
   * true: this node can not do its work without it, a `fail` is its own fault and answers 503.
   * false: shared with other nodes (a database server, Redis) or not needed for calls; a `fail` is a warning, because
   * otherwise all nodes would leave the load balancer together.
   */
  required: boolean;
  /** Default 2,000: after that it counts as failed. It is not started again while it still runs. */
  timeoutMs?: number;
  run: () => CheckResult | Promise<CheckResult>;
}

/** Improvements that wait or run. From here on a node is `full`: 503. */
const QUEUE_FULL = 100;
/** From here on `high`: still 200. */
const QUEUE_HIGH = 75;

/** Keys are the seed's; `checks` is in the health+json form. */
export interface HealthReport {
  status: 'ok' | 'warning' | 'degraded';
  /** Ids of the other nodes that are present. */
  cluster_nodes: readonly string[];
  /** null: it could not be read, and that is this node's fault. */
  queue_depth: number | null;
  queue_status: 'empty' | 'active' | 'high' | 'full' | 'unknown';
  /** Bytes resident. total: the whole process tree; system: this process; processes: the others; binary: buffers outside this process's heap. */
  memory: { total: number; processes: number; system: number; binary: number };
  /** ISO 8601, UTC. */
  system_time: string;
  node: string;
  checks: Readonly<Record<string, readonly [CheckReport]>>;
}

export interface CheckReport extends CheckResult {
  componentType: HealthCheck['component'];
  /** When it was made; ISO 8601, UTC. */
  time: string;
}

export interface HealthOptions {
  /** Id of this node. */
  node: string;
  queueDepth: () => number | Promise<number>;
  /** Ids of the other nodes. Default: none. */
  clusterNodes?: () => readonly string[];
  /** Resident memory of the whole process tree. Default: of this process. */
  treeMemoryBytes?: () => Promise<number>;
  /** A report is given out again for so long. Default 1,000. */
  cacheMs?: number;
  /** Milliseconds since the epoch, for people. */
  now?: () => number;
  /** Of a clock that is never set. */
  monotonicMs?: () => number;
}

export interface DeepHealth {
  /** Of the HTTP answer. */
  code: 200 | 503;
  report: HealthReport;
}

const TIMEOUT_MS = 2_000;

/** The checks of one node and the report they make. */
export class Health {
  readonly #options: Required<HealthOptions>;
  readonly #checks = new Map<string, BoundedCheck>();
  readonly #queue: BoundedCheck;
  readonly #tree: BoundedCheck;
  #cached: { report: Promise<DeepHealth>; untilMs: number } | undefined;

  constructor(options: HealthOptions) {
    this.#options = {
      clusterNodes: () => [],
      treeMemoryBytes: () => Promise.resolve(process.memoryUsage.rss()),
      cacheMs: 1_000,
      now: Date.now,
      monotonicMs: () => performance.now(),
      ...options,
    };
    const treeMemory = async (): Promise<CheckResult> => ({ status: 'pass', observedValue: await this.#options.treeMemoryBytes() });
    this.#tree = new BoundedCheck({ name: 'memory:tree', component: 'system', required: false, run: treeMemory });
    const queueDepth = async (): Promise<CheckResult> => ({ status: 'pass', observedValue: await options.queueDepth() });
    this.#queue = new BoundedCheck({ name: 'improvements:queue', component: 'component', required: true, run: queueDepth });
  }

  /** Adds a check; returns what takes it away. @throws TypeError when the name is taken */
  register(check: HealthCheck): () => void {
    if (this.#checks.has(check.name)) throw new TypeError(`a health check named ${JSON.stringify(check.name)} is registered already`);
    const bounded = new BoundedCheck(check);
    this.#checks.set(check.name, bounded);
    this.#cached = undefined;
    return () => {
      if (this.#checks.get(check.name) !== bounded) return;
      this.#checks.delete(check.name);
      this.#cached = undefined;
    };
  }

  /** Runs all checks, or gives the report of less than `cacheMs` ago. Never rejects; takes no longer than the slowest timeout. */
  deep(): Promise<DeepHealth> {
    const nowMs = this.#options.monotonicMs();
    if (this.#cached === undefined || nowMs >= this.#cached.untilMs) {
      const cached = { report: this.#report(), untilMs: Infinity };
      this.#cached = cached;
      void cached.report.then(() => (cached.untilMs = this.#options.monotonicMs() + this.#options.cacheMs));
    }
    return this.#cached.report;
  }

  /** All that strangers are told. */
  async public(): Promise<{ code: 200 | 503; report: { status: HealthReport['status'] } }> {
    const { code, report } = await this.deep();
    return { code, report: { status: report.status } };
  }

  async #report(): Promise<DeepHealth> {
    const { node, clusterNodes, now } = this.#options;
    const [queue, memory, ...results] = await Promise.all([
      this.#queue.run(),
      this.#memory(),
      ...[...this.#checks.values()].map(async (check) => ({ check, result: await check.run() })),
    ]);
    const time = new Date(now()).toISOString();
    const depth = typeof queue.observedValue === 'number' ? queue.observedValue : null;
    const queueReport = { ...queue, status: queueCheckStatus(depth) };
    const checks: Record<string, [CheckReport]> = { [this.#queue.check.name]: [{ componentType: 'component', ...queueReport, time }] };
    for (const { check, result } of results) checks[check.check.name] = [{ componentType: check.check.component, ...result, time }];

    const ownFault = queueReport.status === 'fail' || results.some(({ check, result }) => check.check.required && result.status === 'fail');
    const warning = queueReport.status === 'warn' || results.some(({ result }) => result.status !== 'pass');
    const status = ownFault ? 'degraded' : warning ? 'warning' : 'ok';
    return {
      code: ownFault ? 503 : 200,
      report: {
        status,
        cluster_nodes: clusterNodes(),
        queue_depth: depth,
        queue_status: queueStatus(depth),
        memory,
        system_time: time,
        node,
        checks,
      },
    };
  }

  async #memory(): Promise<HealthReport['memory']> {
    const { rss, external } = process.memoryUsage();
    const { observedValue } = await this.#tree.run();
    const total = Math.max(rss, typeof observedValue === 'number' ? observedValue : 0);
    return { total, processes: total - rss, system: rss, binary: external };
  }
}

/** A check that always answers, and never runs twice at the same time. */
class BoundedCheck {
  readonly check: HealthCheck;
  #running: Promise<CheckResult> | undefined;

  constructor(check: HealthCheck) {
    this.check = check;
  }

  async run(): Promise<CheckResult> {
    const { timeoutMs = TIMEOUT_MS } = this.check;
    this.#running ??= this.#attempt().finally(() => (this.#running = undefined));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<CheckResult>((resolve) => {
      timer = setTimeout(() => resolve({ status: 'fail', output: `no answer within ${timeoutMs} ms` }), timeoutMs);
    });
    try {
      return await Promise.race([this.#running, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #attempt(): Promise<CheckResult> {
    try {
      return await this.check.run();
    } catch (error) {
      const { message, hint } = error as Partial<SeedError>;
      return { status: 'fail', output: [message ?? String(error), hint].filter((part) => part !== undefined).join('; ') };
    }
  }
}

function queueStatus(depth: number | null): HealthReport['queue_status'] {
  if (depth === null) return 'unknown';
  if (depth >= QUEUE_FULL) return 'full';
  if (depth >= QUEUE_HIGH) return 'high';
  return depth > 0 ? 'active' : 'empty';
}

function queueCheckStatus(depth: number | null): CheckStatus {
  if (depth === null || depth >= QUEUE_FULL) return 'fail';
  return depth >= QUEUE_HIGH ? 'warn' : 'pass';
}
