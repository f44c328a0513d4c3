// Between the root supervisor and its node: what the node is told at its start, and the pipe that breaks when the root is gone.
import { Socket } from 'node:net';

import type { ChildDescription } from './description.ts';

/** The node finds it as its first argument. */
export interface RootInfo {
  pid: number;
  /** ISO 8601. */
  startedAt: string;
  /** Of the node, in the root's life. */
  restarts: number;
  /** Of the node's life before this one. */
  lastExit: ChildDescription['lastExit'];
  /** Descriptor of the pipe. */
  lifelineFd: number;
}

const FLAG = '--root=';

export function rootArgument(info: RootInfo): string {
  return FLAG + JSON.stringify(info);
}

/** `root` is undefined in a node that was started by hand. `args` are the arguments that are meant for the node. */
export function takeRootArgument(argv: readonly string[]): { root: RootInfo | undefined; args: readonly string[] } {
  const [first, ...rest] = argv;
  if (first?.startsWith(FLAG) !== true) return { root: undefined, args: argv };
  return { root: JSON.parse(first.slice(FLAG.length)) as RootInfo, args: rest };
}

/** Calls back once, when the root process has ended in whatever way. Does not keep this process alive. */
export function onRootGone(root: RootInfo, callback: () => void): void {
  const lifeline = new Socket({ fd: root.lifelineFd, readable: true, writable: false });
  lifeline.on('error', () => {});
  lifeline.once('close', callback);
  lifeline.resume();
  lifeline.unref();
}

/** The whole tree as the node sees it: the root above (if there is one), this node with its own children below. */
export function describeTree(
  node: ChildDescription,
  options: { root: RootInfo | undefined; pid: number; startedAt: string },
): ChildDescription {
  const { root, pid, startedAt } = options;
  const self: ChildDescription = {
    ...node,
    restart: 'permanent',
    pid,
    startedAt,
    restarts: root?.restarts ?? 0,
    lastExit: root?.lastExit ?? null,
  };
  if (root === undefined) return self;
  return {
    id: 'root',
    type: 'supervisor',
    restart: 'permanent',
    status: 'running',
    pid: root.pid,
    startedAt: root.startedAt,
    restarts: 0,
    lastExit: null,
    strategy: 'one_for_one',
    children: [self],
  };
}
