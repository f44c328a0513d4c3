import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { ERROR_CODES, SeedError } from '#lib/error.ts';
import { failureFrom, failureOf, remoteFailure, reportFailure } from './failure.ts';

function report(error: unknown, format: 'json' | 'table' = 'table') {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const code = reportFailure(error, { stdin, stdout, stderr }, { format, verbose: false });
  return { code, stderr: String(stderr.read() ?? ''), stdout: String(stdout.read() ?? '') };
}

describe('reportFailure', () => {
  test('says what and what to do, on standard error', () => {
    const error = new SeedError('not_found', 'there is no agent x', { hint: 'seed agents:list' });
    expect(report(error)).toEqual({ code: 3, stdout: '', stderr: 'error: there is no agent x\ntry: seed agents:list\n' });
  });

  test('wrong members, one a line', () => {
    const details = [
      { path: 'a.0', message: 'too long' },
      { path: '', message: 'wrong' },
    ];
    expect(report(new SeedError('invalid_input', 'a.0: too long (and 1 more)', { details })).stderr).toBe(
      'error: a.0: too long (and 1 more)\n  a.0: too long\n  wrong\n',
    );
  });

  test('JSON for programs: one line with a closed set of members', () => {
    const { stderr, code } = report(new SeedError('queue_full', 'full', { hint: 'wait', details: { depth: 100 } }), 'json');
    expect(code).toBe(7);
    expect(JSON.parse(stderr)).toEqual({ code: 'queue_full', message: 'full', hint: 'wait', details: { depth: 100 }, retryable: true });
  });

  test('what the node says can not move the cursor', () => {
    expect(report(new SeedError('conflict', 'a\u001b[2J')).stderr).toBe('error: a\\x1b[2J\n');
  });

  test('an interrupted command says nothing', () => {
    expect(report(new SeedError('cancelled', 'x'))).toEqual({ code: 130, stderr: '', stdout: '' });
  });

  test('a bug is a failure', () => {
    expect(report(new TypeError('oops'))).toMatchObject({ code: 1, stderr: 'error: oops\n' });
  });
});

describe('remoteFailure', () => {
  test('takes the code, the message, the details and the hint of the node', () => {
    const error = remoteFailure(422, '{"error":"no","code":"invalid_input","details":[1],"hint":"h"}', undefined);
    expect(error).toMatchObject({ code: 'invalid_input', message: 'no', details: [1], hint: 'h', exitCode: 2 });
  });

  test.each([
    [404, 3],
    [401, 4],
    [403, 4],
    [409, 5],
    [428, 6],
    [503, 7],
    [500, 1],
    [502, 1],
    [418, 2],
  ])('a status of %d without a code we know ends with %d', (status, exit) => {
    expect(remoteFailure(status, '{"error":"x","code":"from_the_future"}', undefined).exitCode).toBe(exit);
    expect(remoteFailure(status, '<html>', undefined).exitCode).toBe(exit);
  });

  test('every code keeps its exit code over the wire', () => {
    for (const [code, [status, exit]] of Object.entries(ERROR_CODES)) {
      expect([code, remoteFailure(status, JSON.stringify({ error: 'x', code }), undefined).exitCode]).toEqual([code, exit]);
    }
  });

  test('what is not JSON is quoted', () => {
    expect(remoteFailure(502, 'Bad Gateway', undefined).message).toBe('the node answered 502: Bad Gateway');
  });
});

test('an error inside a stream', () => {
  expect(failureFrom('{"error":"fell over","code":"invalid_state"}')).toMatchObject({ code: 'invalid_state', message: 'fell over' });
  expect(failureFrom({ code: 'not_found', message: 'gone', hint: 'h' })).toMatchObject({ code: 'not_found', message: 'gone', hint: 'h' });
  expect(failureOf(failureFrom('not json'))).toMatchObject({ code: 'internal' });
});
