// The rules of OTP's supervisor written down a second time, without processes, promises or time, to compare the real one with.
import { isNested, type NestedSpec, type Reason, type Sequence, type Step, type TreeSpec, type WorkerSpec } from './sequence.ts';

interface Child {
  spec: WorkerSpec | NestedSpec;
  /** `ended`: it is gone, and its supervisor has not heard of it. */
  state: 'up' | 'ended' | 'restarting' | 'down';
  life: number;
  below: Node | null;
}

interface Node {
  tree: TreeSpec;
  children: Child[];
  restarts: number[];
  parent: { node: Node; child: Child } | null;
}

/** One text for each step: what was logged, what the call came to, and how the tree looks then. */
export function runModel({ tree, steps }: Sequence): readonly string[] {
  const world = new World(tree);
  return [world.observe(''), ...steps.map((step) => world.observe(world.run(step)))];
}

class World {
  readonly #log: string[] = [];
  readonly #failures = new Map<string, number>();
  readonly #waiting: (() => void)[] = [];
  #nowMs = 0;
  #top: Node | null;

  constructor(tree: TreeSpec) {
    this.#top = this.#startTree(tree, null);
  }

  observe(result: string): string {
    const log = this.#log.splice(0).join(' ');
    return `${log} | ${result} | ${this.#top === null ? 'dead' : look(this.#top)}`;
  }

  run(step: Step): string {
    switch (step.do) {
      case 'advance':
        this.#nowMs += step.ms;
        return '';
      case 'failStarts':
        this.#failures.set(step.id, step.times);
        return '';
      case 'exit':
        this.#exits([[step.id, step.reason]]);
        return '';
      case 'exitTogether':
        this.#exits([step.first, step.second]);
        return '';
      case 'killSupervisor': {
        const found = this.#find(step.id);
        if (found?.child.below) this.#exits([[step.id, 'kill']]);
        return '';
      }
      case 'stop':
        if (this.#top !== null) this.#stopAll(this.#top.children);
        this.#top = null;
        return '';
      default: {
        const node = step.on === 'top' ? this.#top : this.#find(step.on)?.child.below;
        return node ? this.#call(node, step) : 'stopped';
      }
    }
  }

  #call(node: Node, step: Exclude<Extract<Step, { on: string }>, { do: 'exitTogether' }>): string {
    if (step.do === 'start') {
      const there = node.children.find(({ spec }) => spec.id === step.child.id);
      if (there !== undefined) return there.state === 'down' ? 'already_present' : 'already_started';
      const child: Child = { spec: step.child, state: 'down', life: 0, below: null };
      if (!this.#start(node, child)) return 'start_failed';
      node.children.push(child);
      return 'ok';
    }
    const child = node.children.find(({ spec }) => spec.id === step.id);
    if (child === undefined) return 'not_found';
    if (step.do === 'terminate') {
      this.#stop(child);
      if (child.spec.restart === 'temporary') drop(node, child);
      return 'ok';
    }
    if (child.state !== 'down') return 'running';
    if (step.do === 'restart') return this.#start(node, child) ? 'ok' : 'start_failed';
    drop(node, child);
    return 'ok';
  }

  #exits(pairs: readonly [string, Reason][]): void {
    const found = pairs.flatMap(([id, reason]) => {
      const place = this.#find(id);
      return place?.child.state === 'up' ? [{ ...place, reason, life: place.child.life }] : [];
    });
    for (const { node, child, reason, life } of found) {
      child.state = 'ended';
      this.#waiting.push(() => {
        if (child.state === 'ended' && child.life === life) this.#ended(node, { child, reason });
      });
    }
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) next();
  }

  #ended(node: Node, { child, reason }: { child: Child; reason: Reason }): void {
    const { restart, significant } = child.spec;
    child.state = 'down';
    child.below = null;
    const orderly = reason === 'normal' || reason.startsWith('shutdown');
    if (restart === 'permanent' || (restart === 'transient' && !orderly)) return this.#restart(node, child);
    if (restart === 'temporary') drop(node, child);
    const others = node.children.some((other) => other.spec.significant && other.state !== 'down');
    const ends = node.tree.autoShutdown === 'any_significant' || (node.tree.autoShutdown === 'all_significant' && !others);
    if (significant && ends) this.#die(node);
  }

  /** One try; the next one waits behind what the supervisor was told meanwhile. */
  #restart(node: Node, cause: Child): void {
    node.restarts = node.restarts.filter((ms) => this.#nowMs - ms <= node.tree.periodMs).concat(this.#nowMs);
    if (node.restarts.length > node.tree.intensity) return this.#die(node);
    const { strategy } = node.tree;
    const affected =
      strategy === 'one_for_one' ? [cause] : node.children.slice(strategy === 'one_for_all' ? 0 : node.children.indexOf(cause));
    this.#stopAll(affected);
    for (const child of affected.filter(({ spec }) => spec.restart === 'temporary')) drop(node, child);
    const failed = affected.filter((child) => node.children.includes(child)).find((child) => !this.#start(node, child));
    if (failed === undefined) return;
    failed.state = 'restarting';
    this.#waiting.push(() => {
      if (failed.state === 'restarting') this.#restart(node, failed);
    });
  }

  /** The supervisor itself ends with `shutdown`, which its own supervisor hears. */
  #die(node: Node): void {
    this.#stopAll(node.children);
    if (node.parent === null) this.#top = null;
    else this.#ended(node.parent.node, { child: node.parent.child, reason: 'shutdown' });
  }

  #startTree(tree: TreeSpec, parent: Node['parent']): Node | null {
    const node: Node = { tree, children: [], restarts: [], parent };
    for (const spec of tree.children) {
      const child: Child = { spec, state: 'down', life: 0, below: null };
      node.children.push(child);
      if (this.#start(node, child)) continue;
      this.#stopAll(node.children);
      return null;
    }
    return node;
  }

  #start(node: Node, child: Child): boolean {
    const { spec } = child;
    if (isNested(spec)) {
      child.below = this.#startTree(spec.tree, { node, child });
      if (child.below === null) return false;
    } else {
      const failures = this.#failures.get(spec.id) ?? 0;
      this.#failures.set(spec.id, Math.max(0, failures - 1));
      this.#log.push(`${failures > 0 ? '!' : '+'}${spec.id}`);
      if (failures > 0) return false;
    }
    child.state = 'up';
    child.life += 1;
    return true;
  }

  #stopAll(children: readonly Child[]): void {
    for (const child of children.toReversed()) this.#stop(child);
  }

  #stop(child: Child): void {
    if (child.state === 'up' && child.below !== null) this.#stopAll(child.below.children);
    else if (child.state === 'up' && !child.spec.brutal) this.#log.push(`-${child.spec.id}(shutdown)`);
    child.state = 'down';
    child.below = null;
  }

  #find(id: string): { node: Node; child: Child } | undefined {
    const inside = (node: Node): { node: Node; child: Child } | undefined => {
      const child = node.children.find(({ spec }) => spec.id === id);
      if (child !== undefined) return { node, child };
      return node.children.flatMap(({ below }) => (below === null ? [] : [inside(below)])).find((found) => found !== undefined);
    };
    return this.#top === null ? undefined : inside(this.#top);
  }
}

function drop(node: Node, child: Child): void {
  node.children = node.children.filter((other) => other !== child);
}

function look(node: Node): string {
  const children = node.children.toSorted((a, b) => (a.spec.id < b.spec.id ? -1 : 1));
  return children
    .map(({ spec, state, below }) => `${spec.id}${state === 'down' ? '-' : '+'}${below === null ? '' : `[${look(below)}]`}`)
    .join(' ');
}
