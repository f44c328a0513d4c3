// Further cases, by the names that OTP's own test suite of supervisors has for them; the table of 37 is in oracle.test.ts, and its numbers
// go on here. Those of OTP's that have no meaning in this program are listed at the end, with the reason.
import { describe, expect, test } from 'vitest';
import type { ChildSpec } from '../child-spec.ts';
import type { ExitReason } from '../exit-reason.ts';
import { settle } from '../scripted-child.ts';
import { BOOM, scripted, states, workers, type Scripted } from '../scripted-supervisor.ts';
import { supervisorChild } from '../supervisor-child.ts';
import type { Supervisor } from '../supervisor.ts';

type Flags = Parameters<typeof scripted>[0];
type Case = [number: number, name: string, run: () => Promise<void>];

async function running(flags: Flags): Promise<Scripted> {
  const it = scripted(flags);
  await it.supervisor.start();
  return it;
}

const strategies = ['one_for_one', 'one_for_all', 'rest_for_one'] as const;

/** A supervisor with one restart to spend below one with one, and what becomes of both. */
async function escalation(strategy: (typeof strategies)[number]): Promise<void> {
  const flags = { strategy, intensity: 1, periodMs: 10_000 };
  const { script, supervisor } = await running({
    ...flags,
    children: (s) => [
      { id: 'before', start: s.start('before') },
      {
        id: 'inner',
        type: 'supervisor',
        start: supervisorChild({ ...flags, children: ['a', 'b'].map((id) => ({ id, start: s.start(id) })) }),
      },
    ],
  });
  const crash = async (): Promise<void> => {
    script.exit('a', BOOM);
    await settle(script);
  };
  await crash();
  expect(supervisor.describe().children?.map(({ restarts }) => restarts)).toEqual([0, 0]);
  // One too many for the inner one: the outer one starts it afresh.
  await crash();
  expect(supervisor.describe().children?.find(({ id }) => id === 'inner')).toMatchObject({ status: 'running', restarts: 1 });
  expect(script.alive).toEqual(['a', 'b', 'before']);
  await crash();
  await crash();
  expect(await supervisor.exited).toMatchObject({ kind: 'shutdown' });
  expect(script.alive).toEqual([]);
}

/** Another child does not start again when the group is restarted: it is tried again, and counts, until the supervisor gives up. */
async function otherFailsRestart(strategy: 'one_for_all' | 'rest_for_one'): Promise<void> {
  const { script, supervisor } = await running({ strategy, intensity: 3, periodMs: 10_000, children: workers('a', 'b', 'c') });
  script.failStarts('b', 2);
  script.exit('a', BOOM);
  await settle(script);
  expect(states(supervisor)).toEqual(['a:runs', 'b:runs', 'c:runs']);
  expect(script.log.filter((line) => line === '!b')).toHaveLength(2);
  script.failStarts('b', 1);
  script.exit('a', BOOM);
  expect(await supervisor.exited).toMatchObject({ kind: 'shutdown' });
  expect(script.alive).toEqual([]);
}

async function stopsAtOnce(spec: Pick<ChildSpec, 'shutdownMs'>, advanceMs: number | null): Promise<void> {
  const { script, clock, supervisor } = await running({ children: (s) => [{ id: 'a', start: s.start('a'), ...spec }] });
  script.ignoreShutdown('a');
  supervisor.shutdown();
  await settle(script);
  if (advanceMs !== null) {
    expect(script.alive).toEqual(['a']);
    clock.advance(advanceMs);
  }
  expect(await supervisor.exited).toEqual({ kind: 'shutdown' });
  expect(script.alive).toEqual([]);
}

/** The restart hangs, and the supervisor answers: what only reads at once, what changes when the child is given up. */
async function hangs(strategy: (typeof strategies)[number]): Promise<void> {
  const { script, supervisor } = await running({ strategy, children: workers('a', 'b') });
  script.hangStart('a');
  script.exit('a', BOOM);
  await settle(script);
  expect(states(supervisor)[0]).toBe('a:restarting');
  expect(supervisor.countChildren()).toMatchObject({ specs: 2 });
  expect(await supervisor.terminateChild('a')).toMatchObject({ ok: true });
  expect(states(supervisor)[0]).toBe('a:none');
  await supervisor.stop();
}

const statusOf = (supervisor: Supervisor, id: string) => supervisor.describe().children?.find((child) => child.id === id)?.status;

const CASES: Case[] = [
  [
    38,
    'sup_start_ignore_child (permanent)',
    async () => {
      const it = scripted({ children: workers('a', 'b') });
      it.script.ignoreStart('a');
      await it.supervisor.start();
      expect(states(it.supervisor)).toEqual(['a:none', 'b:runs']);
      expect(it.supervisor.countChildren()).toEqual({ specs: 2, active: 1, supervisors: 0, workers: 2 });
      await it.supervisor.stop();
    },
  ],
  [
    39,
    'sup_start_ignore_temporary_child',
    async () => {
      const { script, supervisor } = await running({ children: () => [] });
      script.ignoreStart('a');
      expect(await supervisor.startChild({ id: 'a', restart: 'temporary', start: script.start('a') })).toEqual({
        ok: true,
        child: undefined,
      });
      expect(supervisor.countChildren()).toEqual({ specs: 0, active: 0, supervisors: 0, workers: 0 });
      await supervisor.stop();
    },
  ],
  [
    41,
    'sup_start_error_return',
    async () => {
      const start = (() => ({ what: 'no child' })) as unknown as ChildSpec['start'];
      const { supervisor } = scripted({ children: () => [{ id: 'a', start }] });
      await expect(supervisor.start()).rejects.toThrow('a did not start: bad return: the start of a gave object');
      expect(await supervisor.exited).toMatchObject({ kind: 'shutdown' });
    },
  ],
  [
    42,
    'start_child returns an error',
    async () => {
      const { script, supervisor } = await running({ children: () => [] });
      script.failStarts('a', 1);
      expect(await supervisor.startChild({ id: 'a', start: script.start('a') })).toMatchObject({ ok: false, error: 'start_failed' });
      expect(states(supervisor)).toEqual([]);
      await supervisor.stop();
    },
  ],
  [
    43,
    'restart_child fails',
    async () => {
      const { script, supervisor } = await running({ children: workers('a') });
      await supervisor.terminateChild('a');
      script.failStarts('a', 1);
      expect(await supervisor.restartChild('a')).toMatchObject({ ok: false, error: 'start_failed' });
      expect(states(supervisor)).toEqual(['a:none']);
      expect(await supervisor.restartChild('a')).toMatchObject({ ok: true });
      await supervisor.stop();
    },
  ],
  [
    44,
    'child_specs',
    async () => {
      const { script, supervisor } = await running({ children: () => [] });
      const start = script.start('a');
      for (const [spec, problem] of [
        [{ start }, 'missing_id'],
        [{ id: 'a' }, 'missing_start'],
      ] as const)
        expect(await supervisor.startChild(spec as unknown as ChildSpec)).toMatchObject({ ok: false, error: 'bad_spec', problem });
      expect(await supervisor.startChild({ id: 'a', start, colour: 'red' } as ChildSpec)).toMatchObject({ ok: true });
      await supervisor.stop();
    },
  ],
  [
    45,
    'sup_stop_infinity',
    async () => {
      const { script, clock, supervisor } = await running({
        children: (s) => [{ id: 'a', start: s.start('a'), shutdownMs: 'infinity' }],
      });
      script.ignoreShutdown('a');
      supervisor.shutdown();
      await settle(script);
      clock.advance(86_400_000);
      await settle(script);
      expect(statusOf(supervisor, 'a')).toBe('stopping');
      script.exit('a', { kind: 'shutdown' });
      expect(await supervisor.exited).toEqual({ kind: 'shutdown' });
    },
  ],
  [46, 'sup_stop_timeout', () => stopsAtOnce({ shutdownMs: 1_000 }, 1_000)],
  [47, 'sup_stop_brutal_kill', () => stopsAtOnce({ shutdownMs: 'brutal_kill' }, null)],
  [
    48,
    'sup_stop_race',
    async () => {
      const { script, supervisor } = await running({ strategy: 'one_for_all', children: workers('a', 'b', 'c') });
      // It ends by itself in the very moment.
      script.exit('b', BOOM);
      expect(await supervisor.stop()).toEqual({ kind: 'shutdown' });
      expect(script.alive).toEqual([]);
      expect(script.log.filter((line) => line === '+b')).toHaveLength(1);
    },
  ],
  [49, 'one_for_one_escalation', () => escalation('one_for_one')],
  [50, 'one_for_all_escalation', () => escalation('one_for_all')],
  [51, 'one_for_all_other_child_fails_restart', () => otherFailsRestart('one_for_all')],
  [52, 'rest_for_one_escalation', () => escalation('rest_for_one')],
  [53, 'rest_for_one_other_child_fails_restart', () => otherFailsRestart('rest_for_one')],
  [
    56,
    'temporary_bystander',
    async () => {
      for (const [strategy, left] of [
        ['one_for_all', ['b:runs']],
        ['rest_for_one', ['b:runs']],
      ] as const) {
        const { script, supervisor } = await running({
          strategy,
          children: (s) => [
            { id: 'b', start: s.start('b') },
            { id: 'a', start: s.start('a'), restart: 'temporary' },
          ],
        });
        script.exit('b', BOOM);
        await settle(script);
        // It dies with its sibling, and is never started again.
        expect(states(supervisor)).toEqual(left);
        expect(script.log.filter((line) => line === '+a')).toHaveLength(1);
        await supervisor.stop();
      }
    },
  ],
  [
    58,
    'count_children, count_restarting_children',
    async () => {
      const { script, supervisor } = await running({
        children: (s) => [
          { id: 'a', start: s.start('a') },
          { id: 'b', start: s.start('b') },
          { id: 'inner', type: 'supervisor', start: supervisorChild({ children: [] }) },
        ],
      });
      expect(supervisor.countChildren()).toEqual({ specs: 3, active: 3, supervisors: 1, workers: 2 });
      script.hangStart('a');
      script.exit('a', BOOM);
      await settle(script);
      expect(supervisor.countChildren()).toEqual({ specs: 3, active: 2, supervisors: 1, workers: 2 });
      await supervisor.stop();
    },
  ],
  ...strategies.map((strategy): Case => [59, `hanging_restart_loop (${strategy})`, () => hangs(strategy)]),
  [
    61,
    'significant_bystander',
    async () => {
      for (const autoShutdown of ['any_significant', 'all_significant'] as const) {
        const { script, supervisor } = await running({
          strategy: 'one_for_all',
          intensity: 5,
          autoShutdown,
          children: (s) => [
            { id: 'a', start: s.start('a') },
            { id: 'b', start: s.start('b'), restart: 'transient', significant: true },
          ],
        });
        // It ended because of its sibling, which is no end of its own.
        script.exit('a', BOOM);
        await settle(script);
        expect(states(supervisor)).toEqual(['a:runs', 'b:runs']);
        script.exit('b', { kind: 'normal' });
        expect(await supervisor.exited).toMatchObject({ kind: 'shutdown' });
      }
    },
  ],
  [
    61,
    'significant_escalation',
    async () => {
      const { script, supervisor } = await running({
        autoShutdown: 'any_significant',
        children: (s) => [
          {
            id: 'inner',
            type: 'supervisor',
            restart: 'transient',
            significant: true,
            start: supervisorChild({
              autoShutdown: 'any_significant',
              children: [{ id: 'a', start: s.start('a'), restart: 'transient', significant: true }],
            }),
          },
          { id: 'b', start: s.start('b') },
        ],
      });
      script.exit('a', { kind: 'normal' });
      const end: ExitReason = await supervisor.exited;
      expect(end).toMatchObject({ kind: 'shutdown' });
      expect(script.alive).toEqual([]);
    },
  ],
  [
    62,
    'order_of_children',
    async () => {
      const { script, supervisor } = await running({ children: workers('a', 'b') });
      for (const id of ['c', 'd']) await supervisor.startChild({ id, start: script.start(id) });
      await supervisor.terminateChild('b');
      await supervisor.restartChild('b');
      script.exit('a', BOOM);
      await settle(script);
      expect(supervisor.whichChildren().map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd']);
      script.log.length = 0;
      await supervisor.stop();
      expect(script.log).toEqual(['-d(shutdown)', '-c(shutdown)', '-b(shutdown)', '-a(shutdown)']);
    },
  ],
  [
    63,
    'scale_start_stop_many_children',
    async () => {
      const { script, supervisor } = await running({ children: () => [] });
      const ids = Array.from({ length: 1_000 }, (_, index) => `child-${index}`);
      const results = await Promise.all(ids.map((id) => supervisor.startChild({ id, start: script.start(id) })));
      expect(results.every(({ ok }) => ok)).toBe(true);
      expect(supervisor.countChildren()).toEqual({ specs: 1_000, active: 1_000, supervisors: 0, workers: 1_000 });
      for (const id of ids.slice(0, 500)) await supervisor.terminateChild(id);
      expect(supervisor.countChildren()).toMatchObject({ specs: 1_000, active: 500 });
      await supervisor.stop();
      expect(script.alive).toEqual([]);
    },
  ],
];

test.each(CASES)('%i %s', async (_, __, run) => {
  expect.hasAssertions();
  await run();
});

/** Not cases of this program. */
const NOT_HERE: readonly (readonly [number, string, string])[] = [
  [40, 'simple_one_for_one ignore', 'there is no simple_one_for_one: startChild with different ids does the same'],
  [54, 'simple_one_for_one_shutdown', 'as 40'],
  [55, 'simple_one_for_one_corruption', 'as 40'],
  [57, 'child_unlink', 'a child is no linked process that could unlink itself: its end is a promise that only it can settle'],
  [60, 'code_change, code_change_simple', 'a running supervisor is never given new specifications: a new tree is a new node'],
  [61, 'significant_upgrade_*, significant_upgrade_child', 'as 60'],
  [64, 'already_started_outside_supervisor', 'there are no registered names: what a start returns is the child'],
];

describe('every further case', () => {
  test('has a test here, or a reason why not', () => {
    const covered = new Set([...CASES.map(([number]) => number), ...NOT_HERE.map(([number]) => number)]);
    expect([...covered].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 27 }, (_, index) => 38 + index));
    for (const [, , why] of NOT_HERE) expect(why).not.toBe('');
  });
});
