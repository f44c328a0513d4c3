// Restarts that fail, hang, wait, or happen together; and supervisors below supervisors.
import { describe, expect, test } from 'vitest';

import type { ChildSpec } from './child-spec.ts';
import { Script, settle } from './scripted-child.ts';
import { BOOM, ofType, scripted, states, workers } from './scripted-supervisor.ts';
import { supervisorChild } from './supervisor-child.ts';

describe('restarts', () => {
  test('only those within the period count, to the millisecond', async () => {
    const { script, clock, supervisor } = scripted({ intensity: 1, periodMs: 1000, children: workers('a') });
    await supervisor.start();
    const crash = async () => {
      script.exit('a', BOOM);
      await settle(script);
    };
    await crash();
    clock.advance(1001);
    await crash();
    expect(script.log).toEqual(['+a', '+a', '+a']);
    clock.advance(1000);
    await crash();
    expect(script.log).toEqual(['+a', '+a', '+a']);
    expect(await supervisor.exited).toMatchObject({ kind: 'shutdown', message: 'a failed more than 1 times in 1000 ms (error: boom)' });
  });

  test.each(['one_for_one', 'one_for_all', 'rest_for_one'] as const)(
    '%s: a child that fails to restart is tried again, each try counts',
    async (strategy) => {
      const { script, supervisor } = scripted({ strategy, intensity: 3, children: workers('a', 'b') });
      await supervisor.start();
      script.failStarts('a', 2);
      script.exit('a', BOOM);
      await settle(script);
      expect(states(supervisor)).toEqual(['a:runs', 'b:runs']);
      expect(script.log.filter((entry) => entry === '!a')).toHaveLength(2);
      script.failStarts('a', 1);
      script.exit('a', BOOM);
      expect(await supervisor.exited).toMatchObject({ kind: 'shutdown' });
      expect(script.alive).toEqual([]);
    },
  );

  test.each(['one_for_all', 'rest_for_one'] as const)(
    '%s: when another child fails to restart, that one is tried again',
    async (strategy) => {
      const { script, supervisor } = scripted({ strategy, intensity: 2, children: workers('a', 'b', 'c') });
      await supervisor.start();
      script.failStarts('b', 1);
      script.exit('a', BOOM);
      await settle(script);
      const again = strategy === 'one_for_all' ? ['-a(shutdown)', '+a', '+b', '+c'] : ['+b', '+c'];
      expect(script.log).toEqual(['+a', '+b', '+c', '-c(shutdown)', '-b(shutdown)', '+a', '!b', ...again]);
      expect(states(supervisor)).toEqual(['a:runs', 'b:runs', 'c:runs']);
      await supervisor.stop();
    },
  );

  test('a restart by strategy also starts siblings that had ended in good order, and drops temporary ones', async () => {
    const { script, supervisor } = scripted({
      strategy: 'one_for_all',
      children: (s) => [
        { id: 'a', start: s.start('a'), restart: 'transient' },
        { id: 'b', start: s.start('b') },
        { id: 'c', start: s.start('c'), restart: 'temporary' },
      ],
    });
    await supervisor.start();
    script.exit('a', { kind: 'normal' });
    await settle(script);
    expect(states(supervisor)).toEqual(['a:none', 'b:runs', 'c:runs']);
    script.exit('b', BOOM);
    await settle(script);
    expect(states(supervisor)).toEqual(['a:runs', 'b:runs']);
    await supervisor.stop();
  });

  test('children that crash together under one_for_all are one restart', async () => {
    const { script, supervisor } = scripted({ strategy: 'one_for_all', children: workers('a', 'b', 'c') });
    await supervisor.start();
    for (const id of ['a', 'b', 'c']) script.exit(id, BOOM);
    await settle(script);
    expect(states(supervisor)).toEqual(['a:runs', 'b:runs', 'c:runs']);
    await supervisor.stop();
  });

  test('a back-off delays the restart, and a stop does not wait for it', async () => {
    const { script, clock, supervisor } = scripted({ intensity: 5, restartDelayMs: (restarts) => 100 * restarts, children: workers('a') });
    await supervisor.start();
    script.exit('a', BOOM);
    await settle(script);
    expect(states(supervisor)).toEqual(['a:restarting']);
    expect(await supervisor.restartChild('a')).toMatchObject({ error: 'restarting' });
    expect(await supervisor.deleteChild('a')).toMatchObject({ error: 'restarting' });
    clock.advance(99);
    await settle(script);
    expect(script.log).toEqual(['+a']);
    clock.advance(1);
    await settle(script);
    expect(script.log).toEqual(['+a', '+a']);
    script.exit('a', BOOM);
    await settle(script);
    expect(clock.pending).toBe(1);
    await supervisor.stop();
    expect(clock.pending).toBe(0);
  });

  test('a significant child that waits for its restart still counts as one that runs', async () => {
    const { script, clock, supervisor } = scripted({
      autoShutdown: 'all_significant',
      restartDelayMs: () => 100,
      children: (s) => ['a', 'b'].map((id) => ({ id, start: s.start(id), restart: 'transient', significant: true })),
    });
    await supervisor.start();
    script.exit('a', BOOM);
    script.exit('b', { kind: 'normal' });
    await settle(script);
    expect(states(supervisor)).toEqual(['a:restarting', 'b:none']);
    clock.advance(100);
    await settle(script);
    script.exit('a', { kind: 'normal' });
    expect(await supervisor.exited).toMatchObject({ kind: 'shutdown', message: 'a was significant and ended (normal)' });
  });

  test('a child that was terminated in its back-off stays down', async () => {
    const { script, clock, supervisor } = scripted({ restartDelayMs: () => 100, children: workers('a') });
    await supervisor.start();
    script.exit('a', BOOM);
    await settle(script);
    await supervisor.terminateChild('a');
    clock.advance(100);
    await settle(script);
    expect(states(supervisor)).toEqual(['a:none']);
    await supervisor.stop();
  });

  test('a child that was terminated and started by call in its back-off is not started twice', async () => {
    const { script, clock, supervisor } = scripted({ intensity: 5, restartDelayMs: () => 100, children: workers('a') });
    await supervisor.start();
    script.exit('a', BOOM);
    await settle(script);
    await supervisor.terminateChild('a');
    await supervisor.restartChild('a');
    clock.advance(100);
    await settle(script);
    expect(script.log).toEqual(['+a', '+a']);
    await supervisor.stop();
  });
});

describe('a child that hangs', () => {
  test('in its restart: reads answer, calls about others wait, terminating it gives the start up', async () => {
    const { script, supervisor } = scripted({ children: workers('a', 'b') });
    await supervisor.start();
    script.hangStart('a');
    script.exit('a', BOOM);
    await settle(script);
    expect(states(supervisor)).toEqual(['a:restarting', 'b:runs']);
    expect(supervisor.countChildren()).toMatchObject({ specs: 2, active: 1 });
    expect(supervisor.describe().children?.map(({ status }) => status)).toEqual(['restarting', 'running']);
    expect(await supervisor.terminateChild('a')).toMatchObject({ ok: true });
    expect(states(supervisor)).toEqual(['a:none', 'b:runs']);
    await supervisor.stop();
  });

  test('what a given-up start still brings about is killed', async () => {
    const { script, supervisor } = scripted({ children: workers('a') });
    await supervisor.start();
    script.hangStart('a');
    script.exit('a', BOOM);
    await settle(script);
    expect(await supervisor.stop()).toEqual({ kind: 'shutdown' });
    script.release('a');
    await settle(script);
    expect(script.log).toEqual(['+a', '+a']);
    expect(script.alive).toEqual([]);
  });

  test('in its first start: stopping the supervisor ends the start with an error', async () => {
    const { script, supervisor } = scripted({ children: workers('a', 'b', 'c') });
    script.hangStart('b');
    const started = Promise.allSettled([supervisor.start()]);
    await settle(script);
    expect(supervisor.describe().children?.map(({ status }) => status)).toEqual(['running', 'starting', 'stopped']);
    await supervisor.stop();
    const message = 'b did not start: the start of b was given up: the supervisor ends';
    expect(await started).toMatchObject([{ status: 'rejected', reason: { message } }]);
    expect(script.log).toEqual(['+a', '-a(shutdown)']);
  });

  test('a failing start that is tried again and again lets calls through', async () => {
    const { script, supervisor } = scripted({ intensity: 1_000_000, children: workers('a') });
    await supervisor.start();
    script.failStarts('a', Number.POSITIVE_INFINITY);
    script.exit('a', BOOM);
    await settle(new Script());
    expect(states(supervisor)).toEqual(['a:restarting']);
    expect(await supervisor.restartChild('a')).toMatchObject({ error: 'restarting' });
    expect(await supervisor.terminateChild('a')).toMatchObject({ ok: true });
    const tries = script.log.length;
    await settle(script);
    expect(script.log).toHaveLength(tries);
    await supervisor.stop();
  });

  test('in its end, with infinity: kill does not wait for it', async () => {
    const { script, clock, supervisor } = scripted({ children: (s) => [{ id: 'a', start: s.start('a'), shutdownMs: 'infinity' }] });
    await supervisor.start();
    script.ignoreShutdown('a');
    supervisor.shutdown();
    await settle(script);
    clock.advance(1e9);
    await settle(script);
    expect(script.alive).toEqual(['a']);
    expect(supervisor.describe()).toMatchObject({ status: 'stopping', children: [{ status: 'stopping' }] });
    supervisor.kill();
    expect(await supervisor.exited).toEqual({ kind: 'killed' });
  });
});

describe('nesting', () => {
  const nested = (script: Script): ChildSpec[] => [
    { id: 'first', start: script.start('first') },
    {
      id: 'inner',
      type: 'supervisor',
      start: supervisorChild({
        intensity: 1,
        children: [
          { id: 'x', start: script.start('x') },
          { id: 'y', start: script.start('y') },
        ],
      }),
    },
  ];

  test('an inner supervisor over its intensity is a failed child of the outer one', async () => {
    const { script, events, supervisor } = scripted({ intensity: 1, children: nested });
    await supervisor.start();
    script.exit('x', BOOM);
    await settle(script);
    script.exit('x', BOOM);
    await settle(script);
    expect(script.log).toEqual(['+first', '+x', '+y', '+x', '-y(shutdown)', '+x', '+y']);
    expect(ofType(events, 'escalation')).toEqual([
      { type: 'escalation', path: ['top', 'inner', 'x'], id: 'x', cause: 'intensity', reason: BOOM },
    ]);
    expect(supervisor.countChildren()).toEqual({ specs: 2, active: 2, supervisors: 1, workers: 1 });
    for (const round of [0, 1]) {
      script.exit('x', BOOM);
      await settle(script);
      expect(script.alive.length > 0).toBe(round === 0);
    }
    expect(await supervisor.exited).toMatchObject({ kind: 'shutdown', message: expect.stringContaining('inner failed more than 1 times') });
  });

  test('the tree as plain data', async () => {
    const { script, clock, supervisor } = scripted({ children: nested });
    await supervisor.start();
    clock.advance(5000);
    script.exit('x', BOOM);
    await settle(script);
    const tree = JSON.parse(JSON.stringify(supervisor.describe()));
    expect(tree).toMatchObject({
      id: 'top',
      type: 'supervisor',
      status: 'running',
      strategy: 'one_for_one',
      children: [
        {
          id: 'first',
          type: 'worker',
          restart: 'permanent',
          status: 'running',
          pid: null,
          restarts: 0,
          lastExit: null,
          startedAt: '1970-01-01T00:00:00.000Z',
        },
        {
          id: 'inner',
          type: 'supervisor',
          status: 'running',
          children: [
            {
              id: 'x',
              restarts: 1,
              startedAt: '1970-01-01T00:00:05.000Z',
              lastExit: { kind: 'error', message: 'boom', at: '1970-01-01T00:00:05.000Z' },
            },
            { id: 'y', restarts: 0 },
          ],
        },
      ],
    });
    supervisor.resetRestarts();
    expect(supervisor.describe().children?.[1]?.children?.[0]).toMatchObject({ restarts: 0 });
    await supervisor.stop();
    expect(script.log.slice(-3)).toEqual(['-y(shutdown)', '-x(shutdown)', '-first(shutdown)']);
  });

  test('a start that hangs far down is given up from the top', async () => {
    const { script, supervisor } = scripted({ children: nested });
    script.hangStart('y');
    const started = Promise.allSettled([supervisor.start()]);
    await settle(script);
    await supervisor.stop();
    expect(await started).toMatchObject([{ reason: { message: expect.stringContaining('inner did not start') } }]);
    script.release('y');
    await settle(script);
    expect(script.alive).toEqual([]);
  });
});
