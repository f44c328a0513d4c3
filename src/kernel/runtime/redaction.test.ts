import { expect, test } from 'vitest';
import { redactor } from './redaction.ts';

const secret = { type: 'string', secret: true };

test.each([
  [
    { type: 'object', properties: { a: secret, b: {} } },
    { a: 'x', b: 'y' },
    { a: '[redacted]', b: 'y' },
  ],
  [
    { properties: { deep: { items: { properties: { key: secret } } } } },
    { deep: [{ key: 1, n: 2 }] },
    { deep: [{ key: '[redacted]', n: 2 }] },
  ],
  [
    { properties: { a: {} }, additionalProperties: secret },
    { a: 1, b: 2 },
    { a: 1, b: '[redacted]' },
  ],
  [{ prefixItems: [{}, secret] }, [1, 2, 3], [1, '[redacted]', 3]],
  [
    { anyOf: [{ properties: { a: secret } }, { properties: { b: secret } }] },
    { a: 1, b: 2, c: 3 },
    { a: '[redacted]', b: '[redacted]', c: 3 },
  ],
  [secret, { anything: 1 }, '[redacted]'],
])('takes the secrets of %j out', (schema, value, expected) => {
  const before = structuredClone(value);
  expect(redactor(schema)?.(value)).toEqual(expected);
  expect(value).toEqual(before);
});

test('is null where nothing is secret, so that the hot path can skip it', () => {
  expect(redactor({ type: 'object', properties: { a: { type: 'string' } } })).toBeNull();
});

test('leaves a value of another shape as it is', () => {
  expect(redactor({ properties: { a: secret } })?.([1, 2])).toEqual([1, 2]);
  expect(redactor({ properties: { a: secret } })?.(null)).toBeNull();
});
