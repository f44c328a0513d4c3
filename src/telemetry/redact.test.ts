import { describe, expect, test } from 'vitest';
import { isSecretName, REDACTED, redact, redactText } from './redact.ts';

const SECRET = 'hunter2-hunter2-hunter2';

describe('names', () => {
  test.each([
    'token',
    'accessToken',
    'refresh_token',
    'METRICS_TOKEN',
    'x-api-key',
    'apiKey',
    'api_key',
    'authorization',
    'Proxy-Authorization',
    'cookie',
    'Set-Cookie',
    'password',
    'dbPassword',
    'secret',
    'clientSecret',
    'privateKey',
    'passphrase',
    'credentials',
  ])('%s is a secret wherever it stands', (name) => {
    expect(isSecretName(name)).toBe(true);
    for (const value of [
      { [name]: SECRET },
      { a: { [name]: SECRET } },
      { a: { b: { c: [{ [name]: SECRET }] } } },
      [[{ [name]: SECRET }]],
      new Map([[name, SECRET]]),
      { [name]: { deep: SECRET } },
      { [name]: [SECRET] },
      Object.assign(new Error('failed'), { [name]: SECRET }),
      new Error('outer', { cause: Object.assign(new Error('inner'), { [name]: SECRET }) }),
    ]) {
      expect(JSON.stringify(redact(value))).not.toContain('hunter2');
    }
  });

  test.each(['inputTokens', 'tokens_used', 'tokenizer', 'idempotencyKey', 'key', 'cookieless', 'status', 'secretary', 'author'])(
    '%s is none',
    (name) => {
      expect(redact({ [name]: 'seen' })).toEqual({ [name]: 'seen' });
    },
  );

  test('an absent secret is shown as absent', () => {
    expect(redact({ token: null, password: undefined, secret: '', cookie: false })).toEqual({
      token: null,
      password: undefined,
      secret: '',
      cookie: false,
    });
    expect(redact({ token: 12345678 })).toEqual({ token: REDACTED });
  });

  test('headers are read like objects', () => {
    expect(redact(new Headers({ Authorization: `Bearer ${SECRET}`, Accept: 'text/html' }))).toEqual({
      authorization: REDACTED,
      accept: 'text/html',
    });
  });
});

describe('texts', () => {
  test.each([
    `Authorization: Bearer ${SECRET}`,
    `request failed with bearer ${SECRET}, try again`,
    `Basic aHVudGVyMjpodW50ZXIyaHVudGVyMg==`,
    `postgres://seed:${SECRET}@db.internal:5432/seed`,
    `GET /api?token=${SECRET}&page=2`,
    `{"password":"${SECRET}"}`,
    `{"apiKey": "${SECRET}"}`,
    `METRICS_TOKEN=${SECRET} npm start`,
    `Cookie: session=${SECRET}`,
    `-----BEGIN PRIVATE KEY-----\n${SECRET}\n-----END PRIVATE KEY-----`,
    `-----BEGIN EC PRIVATE KEY-----\n${SECRET}`,
    `eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyIjoiaHVudGVyMiJ9.aHVudGVyMmh1bnRlcjI`,
    'sk-ant-hunter2hunter2hunter2',
    'ghp_hunter2hunter2hunter2',
  ])('%s', (text) => {
    const shown = redactText(text);
    expect(shown).toContain(REDACTED);
    expect(shown).not.toMatch(/hunter2|aHVudGVy/);
  });

  test.each([
    'loaded packer v3 in 12 ms',
    'seed_agent_hot_reload_queue_depth is 3',
    'https://127.0.0.1:4000/status?page=2',
    'used 1200 tokens',
    'sk-short',
  ])('%s is left as it is', (text) => expect(redactText(text)).toBe(text));

  test('in values and keys alike, at any depth', () => {
    expect(redact({ note: [`Bearer ${SECRET}`] })).toEqual({ note: [`Bearer ${REDACTED}`] });
    expect(redact(new URL(`https://seed:${SECRET}@example.com/`))).toBe(`https://seed:${REDACTED}@example.com/`);
  });
});

describe('anything can be logged', () => {
  test('cycles, depth, size and what is no data', () => {
    const circle: Record<string, unknown> = { name: 'a' };
    circle['self'] = circle;
    expect(redact(circle)).toEqual({ name: 'a', self: '[circular]' });
    const twice = { x: 1 };
    expect(redact([twice, twice])).toEqual([{ x: 1 }, { x: 1 }]);
    let deep: unknown = 'bottom';
    for (let level = 0; level < 50; level += 1) deep = { deep };
    expect(JSON.stringify(redact(deep))).toContain('[deeper]');
    expect(redact(Array.from({ length: 1_000 }, () => 1))).toHaveLength(101);
    expect(redactText('x'.repeat(100_000)).length).toBeLessThan(9_000);
    expect(redact(Buffer.from(SECRET))).toBe(`[${SECRET.length} bytes]`);
    expect(redact(10n)).toBe('10');
    expect(redact(new Date(NaN))).toBe('Invalid Date');
    expect(redact(undefined)).toBeUndefined();
  });

  test('a getter that throws does not', () => {
    const bad = Object.defineProperty({}, 'x', {
      enumerable: true,
      get() {
        throw new RangeError('no');
      },
    });
    expect(redact({ bad })).toEqual({ bad: '[unreadable: RangeError]' });
  });

  test('hostile text takes no time', () => {
    const started = performance.now();
    for (const text of [
      'a://'.repeat(50_000),
      'token='.repeat(50_000),
      '-----BEGIN '.repeat(50_000),
      'Bearer '.repeat(50_000),
      'eyJ'.repeat(50_000),
    ])
      redactText(text);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
