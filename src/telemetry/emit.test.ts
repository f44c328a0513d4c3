import { afterEach, describe, expect, test } from 'vitest';
import { attach, emit, type TelemetryEvent } from './emit.ts';
import { EVENTS } from './events.ts';

const detachers: (() => void)[] = [];
afterEach(() => {
  for (const detach of detachers.splice(0)) detach();
});

function collect(name: string): TelemetryEvent[] {
  const events: TelemetryEvent[] = [];
  detachers.push(attach(name, (event) => events.push(event)));
  return events;
}

function reload(): void {
  emit('seed_agent.hot_reload.start', { queue_depth: 3 }, { agent: 'packer', id: 'i', hash: 'h', cause: 'promote' });
}

describe('emit', () => {
  test('tells everybody attached, and nobody after that', () => {
    const [first, second] = [collect('first'), collect('second')];
    reload();
    expect(first).toEqual([
      {
        name: 'seed_agent.hot_reload.start',
        measurements: { queue_depth: 3 },
        metadata: { agent: 'packer', id: 'i', hash: 'h', cause: 'promote' },
      },
    ]);
    expect(second).toEqual(first);
    detachers.pop()?.();
    reload();
    expect([first.length, second.length]).toEqual([2, 1]);
  });

  test('a handler that throws is detached, the others are told of both', () => {
    detachers.push(
      attach('bad', () => {
        throw new RangeError('no');
      }),
    );
    const good = collect('good');
    reload();
    reload();
    expect(good.map(({ name }) => name)).toEqual([
      'seed_agent.telemetry.handler_failed',
      'seed_agent.hot_reload.start',
      'seed_agent.hot_reload.start',
    ]);
    expect(good[0]?.metadata).toEqual({ handler: 'bad', event: 'seed_agent.hot_reload.start', reason: 'RangeError: no' });
  });

  test('a name is attached once', () => {
    collect('once');
    expect(() => attach('once', () => {})).toThrow('attached already');
  });
});

test('the events of the seed have the measurements of the seed', () => {
  const measurements = (name: keyof typeof EVENTS): string[] => Object.keys(EVENTS[name].measurements);
  expect(measurements('seed_agent.hot_reload.start')).toEqual(['queue_depth']);
  expect(measurements('seed_agent.hot_reload.success')).toEqual(['version']);
  expect(measurements('seed_agent.hot_reload.error')).toEqual(['reason']);
  expect(measurements('seed_agent.hot_reload.duration')).toEqual(['duration']);
  expect(EVENTS['seed_agent.hot_reload.duration'].measurements.duration.unit).toBe('µs');
});
