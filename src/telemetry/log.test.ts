import { stripVTControlCharacters } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { emit } from './emit.ts';
import { LogOutput, type LogOptions } from './log.ts';
import type { LogRecord } from './log-records.ts';

const outputs: LogOutput[] = [];
afterEach(() => {
  for (const output of outputs.splice(0)) output.close();
});

function start(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  let nowMs = Date.UTC(2026, 0, 2, 3, 4, 5);
  const output = new LogOutput({
    level: 'info',
    format: 'json',
    write: (line) => lines.push(line),
    now: () => (nowMs += 1_000),
    ...options,
  });
  outputs.push(output);
  return { output, log: output.log, lines, records: () => lines.map((line) => JSON.parse(line) as LogRecord) };
}

describe('records', () => {
  test('that are not written are kept all the same', () => {
    const { output, log, lines } = start({ written: 'warn' });
    log.info({ event: 'a.b.c' }, 'all is well');
    log.warn({ event: 'a.b.c' }, 'something is not');
    expect(lines).toEqual([expect.stringContaining('something is not')]);
    expect(output.records.query().map(({ message }) => message)).toEqual(['all is well', 'something is not']);
    output.written = 'debug';
    log.info({ event: 'a.b.c' }, 'again');
    expect(lines).toHaveLength(2);
  });

  test('are single JSON lines with time, level, event and message', () => {
    const { log, lines, records } = start({ bindings: { node: 'n1' } });
    log.info({ event: 'runtime.version.loaded', agent: 'packer', version: 'v3' }, 'packer v3\nis live');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^\{[^\n]*\}\n$/);
    expect(records()[0]).toEqual({
      level: 'info',
      time: expect.stringMatching(/^2026-01-02T03:04:\d\d\.000Z$/),
      node: 'n1',
      event: 'runtime.version.loaded',
      agent: 'packer',
      version: 'v3',
      message: 'packer v3\nis live',
    });
  });

  test('below the level are not written, and the level changes while it runs, for children too', () => {
    const { output, log, records } = start();
    const child = log.child({ module: 'kernel.sandbox' });
    child.debug({ event: 'a.b.c' }, 'unseen');
    output.level = 'debug';
    child.debug({ event: 'a.b.c' }, 'seen');
    output.level = 'silent';
    child.error({ event: 'a.b.c' }, 'unseen');
    expect(records().map(({ message, module }) => [message, module])).toEqual([['seen', 'kernel.sandbox']]);
  });

  test('carry no secret: not in fields, bindings, messages, errors', () => {
    const { log, lines } = start({ bindings: { node: 'n1', token: 'hunter2hunter2' } });
    const error = Object.assign(new Error('login with Bearer hunter2hunter2 failed', { cause: { password: 'hunter2' } }), {
      apiKey: 'hunter2',
    });
    const child = log.child({ module: 'http', session: { cookie: 'hunter2' } });
    child.warn(
      { event: 'http.request.failed', error, err: error, headers: { Authorization: 'Bearer hunter2hunter2' } },
      'token=hunter2hunter2 refused',
    );
    expect(lines[0]).not.toContain('hunter2');
    expect(lines[0]).toContain('login with Bearer [redacted] failed');
    expect(lines[0]).toContain('log.test.ts');
    expect(lines[0]).toContain('"password":"[redacted]"');
  });

  test('for people are one line', () => {
    const { log, lines } = start({ format: 'pretty' });
    log.child({ module: 'kernel.sandbox' }).warn({ event: 'sandbox.host.exited', pid: 7 }, 'a host has ended');
    expect(stripVTControlCharacters(lines[0] ?? '')).toMatch(
      /^03:04:\d\d warn {2}kernel\.sandbox a host has ended {2}pid=7 sandbox\.host\.exited\n$/,
    );
  });
});

describe('events', () => {
  test('that have a level are logged, the frequent ones are not', () => {
    const { records } = start();
    emit('seed_agent.hot_reload.success', { version: 'v2' }, { agent: 'packer', id: 'i', hash: 'h', cause: 'promote' });
    emit('seed_agent.http.request', { duration_us: 1 }, { operation: 'system:ping', status: '200' });
    expect(records()).toMatchObject([{ event: 'seed_agent.hot_reload.success', level: 'info', agent: 'packer', version: 'v2' }]);
  });

  test('stop being logged when it is closed', () => {
    const { output, records } = start();
    output.close();
    emit('seed_agent.hot_reload.success', { version: 'v2' }, { agent: 'packer', id: 'i', hash: 'h', cause: 'promote' });
    expect(records()).toEqual([]);
  });
});
