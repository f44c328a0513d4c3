// The rules beyond the table of oracle cases: starting, stopping, and calls about single children.
import { describe, expect, test } from 'vitest';

import { SeedError } from '#lib/error.ts';

import type { ChildSpec } from './child-spec.ts';
import { Script, settle } from './scripted-child.ts';
import { BOOM, ofType, scripted, states, workers } from './scripted-supervisor.ts';
import { supervisorChild } from './supervisor-child.ts';
import { Supervisor } from './supervisor.ts';

describe('start', () => {
  test('a failing child ends those before it in reverse and is the error, with its code', async () => {
    const { script, supervisor } = scripted({ children: workers('a', 'b', 'c', 'd') });
    script.failStarts('c', 1);
    await expect(supervisor.start()).rejects.toMatchObject({ code: 'internal', message: 'c did not start: c fails to start' });
    expect(script.log).toEqual(['+a', '+b', '!c', '-b(shutdown)', '-a(shutdown)']);
    expect(await supervisor.exited).toMatchObject({ kind: 'shutdown', detail: { failedToStartChild: 'c' } });
  });

  test('the code and the hint of the first error come through all levels', async () => {
    const start = () => Promise.reject(new SeedError('configuration', 'PORT is 99999', { hint: 'at most 65535' }));
    const inner = supervisorChild({ children: [{ id: 'http', start }] });
    const supervisor = new Supervisor({ id: 'top', children: [{ id: 'inner', type: 'supervisor', start: inner }] });
    const message = 'inner did not start: http did not start: PORT is 99999';
    await expect(supervisor.start()).rejects.toMatchObject({ code: 'configuration', message, hint: 'at most 65535' });
  });

  test('ignore keeps the specification without a child, except of a temporary one', async () => {
    const { script, supervisor } = scripted({
      children: (s) => [
        { id: 'a', start: s.start('a') },
        { id: 'b', start: s.start('b'), restart: 'temporary' },
        { id: 'c', start: s.start('c') },
      ],
    });
    for (const id of ['a', 'b']) script.ignoreStart(id);
    await supervisor.start();
    expect(states(supervisor)).toEqual(['a:none', 'c:runs']);
    expect(supervisor.countChildren()).toEqual({ specs: 2, active: 1, supervisors: 0, workers: 2 });
    await supervisor.stop();
  });

  test('a start that gives something else than a running child has failed', async () => {
    const supervisor = new Supervisor({ id: 'top', children: [{ id: 'a', start: (() => 42) as unknown as ChildSpec['start'] }] });
    await expect(supervisor.start()).rejects.toThrow('bad return: the start of a gave number');
  });

  test.each<[string, object, string]>([
    ['no id', { id: '', start: () => 'ignore' }, 'missing_id'],
    ['no start', { id: 'a' }, 'missing_start'],
    ['a restart that does not exist', { id: 'a', start: () => 'ignore', restart: 'always' }, 'invalid_restart'],
    ['a negative shutdown', { id: 'a', start: () => 'ignore', shutdownMs: -1 }, 'invalid_shutdown'],
    ['a type that does not exist', { id: 'a', start: () => 'ignore', type: 'manager' }, 'invalid_type'],
    ['significant that is no boolean', { id: 'a', start: () => 'ignore', significant: 1 }, 'invalid_significant'],
  ])('%s is refused', async (_, spec, problem) => {
    expect(() => new Supervisor({ id: 'top', children: [spec as ChildSpec] })).toThrow(expect.objectContaining({ details: { problem } }));
    const { supervisor } = scripted({ children: () => [] });
    await supervisor.start();
    expect(await supervisor.startChild(spec as ChildSpec)).toMatchObject({ ok: false, error: 'bad_spec', problem });
    await supervisor.stop();
  });

  test.each<[object, string]>([
    [{ strategy: 'one_for_some' }, 'invalid_strategy'],
    [{ intensity: -1 }, 'invalid_intensity'],
    [{ intensity: 1.5 }, 'invalid_intensity'],
    [{ periodMs: 0 }, 'invalid_period'],
    [{ autoShutdown: 'always' }, 'invalid_auto_shutdown'],
  ])('flags %j are refused', (flags, problem) => {
    expect(() => new Supervisor({ id: 'top', children: [], ...flags })).toThrow(expect.objectContaining({ details: { problem } }));
  });

  test('an id may be there once; members it does not know are left alone', () => {
    const start = new Script().start('a');
    const problem = expect.objectContaining({ details: { problem: 'duplicate_child_name' } });
    expect(
      () =>
        new Supervisor({
          id: 'top',
          children: [
            { id: 'a', start },
            { id: 'a', start },
          ],
        }),
    ).toThrow(problem);
    expect(() => new Supervisor({ id: 'top', children: [{ id: 'a', start, extra: true } as ChildSpec] })).not.toThrow();
  });
});

describe('calls about one child', () => {
  test('startChild adds at the right end, and once', async () => {
    const { script, supervisor } = scripted({ children: workers('a') });
    await supervisor.start();
    const spec = { id: 'b', start: script.start('b') };
    expect(await supervisor.startChild(spec)).toMatchObject({ ok: true });
    expect(await supervisor.startChild(spec)).toMatchObject({ ok: false, error: 'already_started' });
    await supervisor.terminateChild('b');
    expect(await supervisor.startChild(spec)).toMatchObject({ ok: false, error: 'already_present' });
    expect(states(supervisor)).toEqual(['a:runs', 'b:none']);
    await supervisor.stop();
  });

  test('startChild that fails leaves nothing behind', async () => {
    const { script, supervisor } = scripted({ children: () => [] });
    await supervisor.start();
    script.failStarts('a', 1);
    expect(await supervisor.startChild({ id: 'a', start: script.start('a') })).toMatchObject({
      ok: false,
      error: 'start_failed',
      reason: { kind: 'error', message: 'a fails to start' },
    });
    expect(states(supervisor)).toEqual([]);
    await supervisor.stop();
  });

  test('terminateChild, restartChild and deleteChild refuse as OTP does', async () => {
    const { script, supervisor } = scripted({ children: workers('a') });
    await supervisor.start();
    expect(await supervisor.restartChild('a')).toMatchObject({ error: 'running' });
    expect(await supervisor.deleteChild('a')).toMatchObject({ error: 'running' });
    for (const call of ['terminateChild', 'restartChild', 'deleteChild'] as const) {
      expect(await supervisor[call]('nobody')).toMatchObject({ error: 'not_found', message: 'nobody is not a child of this supervisor' });
    }
    expect(await supervisor.terminateChild('a')).toMatchObject({ ok: true });
    expect(await supervisor.terminateChild('a')).toMatchObject({ ok: true });
    expect(states(supervisor)).toEqual(['a:none']);
    script.failStarts('a', 1);
    expect(await supervisor.restartChild('a')).toMatchObject({ error: 'start_failed' });
    expect(states(supervisor)).toEqual(['a:none']);
    expect(await supervisor.restartChild('a')).toMatchObject({ ok: true });
    await supervisor.terminateChild('a');
    expect(await supervisor.deleteChild('a')).toMatchObject({ ok: true });
    expect(supervisor.countChildren()).toEqual({ specs: 0, active: 0, supervisors: 0, workers: 0 });
    expect(await supervisor.stop()).toEqual({ kind: 'shutdown' });
    expect(await supervisor.startChild({ id: 'b', start: script.start('b') })).toMatchObject({ error: 'stopped' });
  });

  test('a terminated temporary child is forgotten, a terminated significant one ends nobody', async () => {
    const { supervisor } = scripted({
      autoShutdown: 'any_significant',
      children: (s) => [
        { id: 'a', start: s.start('a'), restart: 'temporary', significant: true },
        { id: 'b', start: s.start('b'), restart: 'transient', significant: true },
        { id: 'c', start: s.start('c') },
      ],
    });
    await supervisor.start();
    await supervisor.terminateChild('a');
    await supervisor.terminateChild('b');
    expect(states(supervisor)).toEqual(['b:none', 'c:runs']);
    await supervisor.stop();
  });

  test('restarts by call are not counted', async () => {
    const { script, supervisor } = scripted({ intensity: 0, children: workers('a') });
    await supervisor.start();
    for (let round = 0; round < 3; round += 1) {
      await supervisor.terminateChild('a');
      await supervisor.restartChild('a');
    }
    expect(states(supervisor)).toEqual(['a:runs']);
    expect(supervisor.describe().children?.[0]).toMatchObject({ status: 'running', restarts: 0 });
    script.exit('a', BOOM);
    expect(await supervisor.exited).toMatchObject({ kind: 'shutdown' });
  });
});

test('events: what started, ended, was restarted, and why', async () => {
  const { script, clock, events, supervisor } = scripted({ strategy: 'one_for_all', children: workers('a', 'b') });
  await supervisor.start();
  clock.advance(30);
  script.failStarts('a', 1);
  script.exit('b', BOOM);
  await supervisor.exited;
  const failure = { kind: 'error', message: 'a fails to start' };
  const a = { path: ['top', 'a'], id: 'a' };
  const b = { path: ['top', 'b'], id: 'b' };
  expect(events).toMatchObject([
    { type: 'start', ...a, durationMs: 0 },
    { type: 'start', ...b },
    { type: 'exit', ...b, reason: BOOM, asked: false, uptimeMs: 30 },
    { type: 'exit', ...a, reason: { kind: 'shutdown' }, asked: true, uptimeMs: 30 },
    { type: 'start_error', ...a, reason: failure },
    { type: 'escalation', ...a, cause: 'intensity', reason: failure },
  ]);
});

test.each([86_400_000, -86_400_000])('a wall clock set by %d ms changes no uptime and no window of restarts', async (jumpMs) => {
  const { script, clock, events, supervisor } = scripted({ intensity: 1, periodMs: 1000, children: workers('a') });
  await supervisor.start();
  clock.advance(30);
  clock.jump(jumpMs);
  script.exit('a', BOOM);
  await settle(script);
  clock.advance(40);
  clock.jump(jumpMs);
  script.exit('a', BOOM);
  expect(await supervisor.exited).toMatchObject({ kind: 'shutdown', message: 'a failed more than 1 times in 1000 ms (error: boom)' });
  expect(ofType(events, 'exit')).toMatchObject([{ uptimeMs: 30 }, { uptimeMs: 40 }]);
});

test('restart events name the child that caused them', async () => {
  const { script, events, supervisor } = scripted({ strategy: 'rest_for_one', children: workers('a', 'b') });
  await supervisor.start();
  script.exit('a', BOOM);
  await settle(script);
  expect(ofType(events, 'restart')).toMatchObject([
    { id: 'a', causedBy: 'a', reason: BOOM },
    { id: 'b', causedBy: 'a', reason: BOOM },
  ]);
  await supervisor.stop();
});

test('a hundred children start and stop in order', async () => {
  const ids = Array.from({ length: 100 }, (_, index) => `c${index}`);
  const { script, supervisor } = scripted({ children: workers(...ids) });
  await supervisor.start();
  await supervisor.stop();
  expect(script.log).toEqual([...ids.map((id) => `+${id}`), ...ids.toReversed().map((id) => `-${id}(shutdown)`)]);
});
