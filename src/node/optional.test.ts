import { expect, test } from 'vitest';
import type { ApprovalDesk } from '#domains/approvals/desk.ts';
import { BackOff } from '#kernel/supervisor/back-off.ts';
import { ManualClock } from '#kernel/supervisor/manual-clock.ts';
import { serviceChild } from '#kernel/supervisor/service-child.ts';
import { Supervisor } from '#kernel/supervisor/supervisor.ts';
import { optional } from './optional.ts';
import { Parts, type Ground } from './parts.ts';

/** A node with a service that it can do without, and one that it can not. */
function nodeWith(start: (parts: Parts) => Promise<void>) {
  const clock = new ManualClock();
  const parts = new Parts({} as Ground);
  const backOff = parts.set('backOff', new BackOff({ start: (id) => node.restartChild(id), clock }));
  const service = (): { exited: Promise<void>; close: () => void } => {
    parts.set('approvals', {} as ApprovalDesk);
    return { exited: start(parts), close: () => undefined };
  };
  const node: Supervisor = new Supervisor({
    id: 'node',
    strategy: 'rest_for_one',
    clock,
    children: [
      optional(parts, 'approvals', { part: 'approvals', start: service }),
      { id: 'door', start: serviceChild(() => ({ close: () => undefined })) },
    ],
    onEvent: (event) => {
      if (event.path.length === 2 && event.id === 'approvals') backOff.take(event);
    },
  });
  const statuses = () => node.describe().children?.map(({ id, status, restarts }) => `${id} ${status} ${restarts}`);
  return { clock, parts, node, backOff, statuses };
}

test('a service that keeps failing is given up alone, and what it made is gone', async () => {
  let starts = 0;
  const { parts, node, backOff, statuses } = nodeWith(() => {
    starts += 1;
    return Promise.reject(new Error('no'));
  });
  await node.start();
  await expect
    .poll(() => backOff.list())
    .toMatchObject([{ id: 'approvals', why: 'service failed more than 3 times in 30000 ms (error: no)' }]);
  expect(starts).toBe(4);
  expect(statuses()).toEqual(['approvals stopped 0', 'door running 0']);
  expect(() => parts.get('approvals')).toThrow(expect.objectContaining({ code: 'unavailable' }));
  await node.stop();
});

test('one that can not even start does not keep the node from starting, and is tried again', async () => {
  let isBroken = true;
  const { clock, parts, node, backOff, statuses } = nodeWith(() => new Promise(() => undefined));
  const set = parts.set.bind(parts);
  parts.set = (name, part) => {
    if (isBroken && name === 'approvals') throw new Error('a row that nobody understands');
    return set(name, part);
  };
  await node.start();
  expect(backOff.list()).toMatchObject([{ id: 'approvals', why: 'service did not start: a row that nobody understands' }]);
  expect(statuses()).toEqual(['approvals stopped 0', 'door running 0']);
  isBroken = false;
  clock.advance(1_000);
  await expect.poll(statuses).toEqual(['approvals running 0', 'door running 0']);
  expect(backOff.list()).toEqual([]);
  expect(parts.get('approvals')).toEqual({});
  await node.stop();
});
