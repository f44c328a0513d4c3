// 37 cases as Erlang/OTP 25 really behaved: which children are there at the end, whether the supervisor lives, and what happened in which order.
import { expect, test } from 'vitest';

import type { ChildSpec, SupervisorFlags } from '../child-spec.ts';
import type { ExitReason } from '../exit-reason.ts';
import { ManualClock } from '../manual-clock.ts';
import { Script, settle } from '../scripted-child.ts';
import { Supervisor } from '../supervisor.ts';

const REASONS = {
  normal: { kind: 'normal' },
  shutdown: { kind: 'shutdown' },
  'shutdown, x': { kind: 'shutdown', detail: 'x' },
  boom: { kind: 'error', message: 'boom' },
  kill: { kind: 'killed' },
} as const satisfies Record<string, ExitReason>;

type Reason = keyof typeof REASONS;
type Child = Omit<ChildSpec, 'start'>;
type Step = [exit: string, reason: Reason] | 'stop' | { advanceMs: number };

interface Case {
  name: string;
  flags?: SupervisorFlags;
  children: readonly Child[];
  steps: readonly Step[];
  /** Names of the children that are specified at the end; `a-` is one that does not run. Null: the supervisor has ended (`shutdown`). */
  left: string | null;
  log: string;
  /** A child that does not end when it is asked to. */
  stubborn?: string;
}

const permanent = (...ids: string[]): Child[] => ids.map((id) => ({ id }));

const RESTARTED = { left: 'a b', log: '+a +b +a' };
const KEPT = { left: 'a- b', log: '+a +b' };
const DROPPED = { left: 'b', log: '+a +b' };

const RESTARTS: Case[] = (
  [
    ['permanent', 'normal', RESTARTED],
    ['permanent', 'shutdown', RESTARTED],
    ['permanent', 'shutdown, x', RESTARTED],
    ['permanent', 'boom', RESTARTED],
    ['permanent', 'kill', RESTARTED],
    ['transient', 'normal', KEPT],
    ['transient', 'shutdown', KEPT],
    ['transient', 'shutdown, x', KEPT],
    ['transient', 'boom', RESTARTED],
    ['transient', 'kill', RESTARTED],
    ['temporary', 'normal', DROPPED],
    ['temporary', 'shutdown', DROPPED],
    ['temporary', 'shutdown, x', DROPPED],
    ['temporary', 'boom', DROPPED],
    ['temporary', 'kill', DROPPED],
  ] as const
).map(([restart, reason, expected]) => ({
  name: `one_for_one: a ${restart} child exits (${reason})`,
  children: [{ id: 'a', restart }, { id: 'b' }],
  steps: [['a', reason]],
  ...expected,
}));

const MIDDLE: Child[] = [{ id: 'a' }, { id: 'b' }, { id: 'c', restart: 'temporary' }, { id: 'd' }];

const STRATEGIES: Case[] = [
  { name: 'one_for_one: the second of four crashes', children: MIDDLE, steps: [['b', 'boom']], left: 'a b c d', log: '+a +b +c +d +b' },
  {
    name: 'rest_for_one: the second of four crashes',
    flags: { strategy: 'rest_for_one' },
    children: MIDDLE,
    steps: [['b', 'boom']],
    left: 'a b d',
    log: '+a +b +c +d -d(shutdown) -c(shutdown) +b +d',
  },
  {
    name: 'one_for_all: the second of four crashes',
    flags: { strategy: 'one_for_all' },
    children: MIDDLE,
    steps: [['b', 'boom']],
    left: 'a b d',
    log: '+a +b +c +d -d(shutdown) -c(shutdown) -a(shutdown) +a +b +d',
  },
];

const CRASH: Step = ['a', 'boom'];

const INTENSITY: Case[] = [
  {
    name: 'two crashes within 2 in 5 s',
    flags: { intensity: 2, periodMs: 5000 },
    children: permanent('a'),
    steps: [CRASH, CRASH],
    left: 'a',
    log: '+a +a +a',
  },
  {
    name: 'a third crash is one too many',
    flags: { intensity: 2, periodMs: 5000 },
    children: permanent('a'),
    steps: [CRASH, CRASH, CRASH],
    left: null,
    log: '+a +a +a',
  },
  { name: 'intensity 0: the first crash', flags: { intensity: 0 }, children: permanent('a'), steps: [CRASH], left: null, log: '+a' },
  { name: 'default flags: two crashes', children: permanent('a'), steps: [CRASH, CRASH], left: null, log: '+a +a' },
  {
    name: 'one_for_all counts one restart a crash, however many children',
    flags: { strategy: 'one_for_all' },
    children: permanent('a', 'b'),
    steps: [CRASH],
    left: 'a b',
    log: '+a +b -b(shutdown) +a +b',
  },
];

const STOPS: Case[] = [
  {
    name: 'shutdown order',
    children: permanent('a', 'b', 'c'),
    steps: ['stop'],
    left: null,
    log: '+a +b +c -c(shutdown) -b(shutdown) -a(shutdown)',
  },
  {
    name: 'brutal_kill',
    children: [{ id: 'a', shutdownMs: 'brutal_kill' }, { id: 'b' }],
    steps: ['stop'],
    left: null,
    log: '+a +b -b(shutdown)',
  },
  {
    name: 'a child that does not end within its 100 ms',
    children: [{ id: 'a', shutdownMs: 100 }, { id: 'b' }],
    steps: ['stop', { advanceMs: 100 }],
    left: null,
    log: '+a +b -b(shutdown)',
    stubborn: 'a',
  },
];

const any = { autoShutdown: 'any_significant' } as const;
const all = { autoShutdown: 'all_significant' } as const;
const oneOf = (restart: 'transient' | 'temporary'): Child[] => [{ id: 'a', restart, significant: true }, { id: 'b' }, { id: 'c' }];
const twoOf = (restart: 'transient' | 'temporary'): Child[] => [
  { id: 'a', restart, significant: true },
  { id: 'b', restart, significant: true },
  { id: 'c' },
];
const ENDS = { left: null, log: '+a +b +c -c(shutdown) -b(shutdown)' };
const GOES_ON = { left: 'a b c', log: '+a +b +c +a' };

const AUTO_SHUTDOWN: Case[] = [
  { name: 'any_significant: transient exits (normal)', flags: any, children: oneOf('transient'), steps: [['a', 'normal']], ...ENDS },
  { name: 'any_significant: transient crashes', flags: any, children: oneOf('transient'), steps: [CRASH], ...GOES_ON },
  { name: 'any_significant: temporary exits (normal)', flags: any, children: oneOf('temporary'), steps: [['a', 'normal']], ...ENDS },
  { name: 'any_significant: temporary crashes', flags: any, children: oneOf('temporary'), steps: [CRASH], ...ENDS },
  {
    name: 'all_significant: transient exits (normal)',
    flags: all,
    children: twoOf('transient'),
    steps: [['a', 'normal']],
    left: 'a- b c',
    log: '+a +b +c',
  },
  { name: 'all_significant: transient crashes', flags: all, children: twoOf('transient'), steps: [CRASH], ...GOES_ON },
  {
    name: 'all_significant: temporary exits (normal)',
    flags: all,
    children: twoOf('temporary'),
    steps: [['a', 'normal']],
    left: 'b c',
    log: '+a +b +c',
  },
  { name: 'all_significant: temporary crashes', flags: all, children: twoOf('temporary'), steps: [CRASH], left: 'b c', log: '+a +b +c' },
  {
    name: 'all_significant: both exit',
    flags: all,
    children: twoOf('transient'),
    steps: [
      ['a', 'normal'],
      ['b', 'normal'],
    ],
    left: null,
    log: '+a +b +c -c(shutdown)',
  },
];

test.each([...RESTARTS, ...STRATEGIES, ...INTENSITY, ...STOPS, ...AUTO_SHUTDOWN])(
  '$name',
  async ({ flags, children, steps, left, log, stubborn }) => {
    const script = new Script();
    const clock = new ManualClock();
    if (stubborn !== undefined) script.ignoreShutdown(stubborn);
    const supervisor = new Supervisor({
      id: 's',
      ...flags,
      clock,
      children: children.map((child) => ({ ...child, start: script.start(child.id) })),
    });
    let ended: ExitReason | undefined;
    void supervisor.exited.then((reason) => (ended = reason));
    await supervisor.start();
    for (const step of steps) {
      if (step === 'stop') supervisor.shutdown();
      else if ('advanceMs' in step) clock.advance(step.advanceMs);
      else script.exit(step[0], REASONS[step[1]]);
      await settle(script);
    }
    expect(script.log.join(' ')).toBe(log);
    expect(ended?.kind).toBe(left === null ? 'shutdown' : undefined);
    if (left === null) expect(script.alive).toEqual([]);
    else
      expect(
        supervisor
          .whichChildren()
          .map(({ id, child }) => (child === undefined ? `${id}-` : id))
          .join(' '),
      ).toBe(left);
    await supervisor.stop();
  },
);

test.each<[string, SupervisorFlags, Child]>([
  ['significant with autoShutdown never', {}, { id: 'a', restart: 'transient', significant: true }],
  ['permanent and significant', any, { id: 'a', restart: 'permanent', significant: true }],
])('%s is refused', (_, flags, child) => {
  const start = new Script().start('a');
  expect(() => new Supervisor({ id: 's', ...flags, children: [{ ...child, start }] })).toThrow(
    expect.objectContaining({ details: { problem: 'bad_combination' } }),
  );
});
