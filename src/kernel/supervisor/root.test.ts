// What the root makes of the node's ends, and what the node learns from its arguments.
import { describe, expect, test } from 'vitest';

import type { ChildDescription } from './description.ts';
import { describeTree, rootArgument, takeRootArgument, type RootInfo } from './root-link.ts';
import { backOffMs, nodeExit } from './root.ts';

const INFO: RootInfo = {
  pid: 7,
  startedAt: '2026-01-01T00:00:00.000Z',
  restarts: 2,
  lastExit: { kind: 'error', message: 'exit code 1', at: '2026-01-01T00:01:00.000Z' },
  lifelineFd: 3,
};

describe('exits of the node', () => {
  test.each([
    [0, null, { kind: 'error', message: 'exit code 0 without being asked' }],
    [1, null, { kind: 'error', message: 'exit code 1' }],
    [null, 'SIGSEGV', { kind: 'error', message: 'signal SIGSEGV' }],
    [null, 'SIGKILL', { kind: 'killed', message: 'signal SIGKILL' }],
    [75, null, { kind: 'shutdown', detail: 75, message: 'exit code 75' }],
    [78, null, { kind: 'shutdown', detail: 78, message: 'exit code 78' }],
  ] as const)('%s %s', (code, signal, reason) => {
    expect(nodeExit({ code, signal })).toEqual(reason);
  });
});

test('the back-off doubles up to ten seconds, and is spread over its upper half', () => {
  const lowest = [1, 2, 3, 4, 20].map((restarts) => backOffMs(restarts, () => 0));
  const highest = [1, 2, 3, 4, 20].map((restarts) => backOffMs(restarts, () => 1));
  expect(lowest).toEqual([50, 100, 200, 400, 5000]);
  expect(highest).toEqual([100, 200, 400, 800, 10_000]);
});

test('what the root says comes back from the arguments; without a root they are the node’s own', () => {
  expect(takeRootArgument([rootArgument(INFO), '--no-demo'])).toEqual({ root: INFO, args: ['--no-demo'] });
  expect(takeRootArgument(['--no-demo'])).toEqual({ root: undefined, args: ['--no-demo'] });
});

describe('the whole tree', () => {
  const node: ChildDescription = {
    id: 'node',
    type: 'supervisor',
    restart: 'temporary',
    status: 'running',
    pid: null,
    startedAt: null,
    restarts: 0,
    lastExit: null,
    children: [],
  };
  const self = { pid: 8, startedAt: '2026-01-01T00:02:00.000Z' };

  test('has the root above the node', () => {
    expect(describeTree(node, { root: INFO, ...self })).toMatchObject({
      id: 'root',
      pid: 7,
      children: [{ id: 'node', ...self, restarts: 2, lastExit: INFO.lastExit }],
    });
  });

  test('begins with a node that was started by hand', () => {
    expect(describeTree(node, { root: undefined, ...self })).toEqual({ ...node, ...self, restart: 'permanent' });
  });
});
