import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arbitraryArguments, arbitraryTree, callable, PARAMETERS, sameNumber } from './arbitrary-tree.ts';
import { condense } from './condense.ts';
import { emitBody } from './emit.ts';
import { evaluate } from './expression.ts';
import { parseBody } from './parse.ts';

const rows = [1, 2, 3, 9, 40, 99].flatMap((item) => [-5, 0, 1, 2, 50].map((residual) => [item, residual, 0.3]));

describe('parseBody', () => {
  test('reads back what was written', () => {
    fc.assert(
      fc.property(arbitraryTree, arbitraryArguments, (grown, given) => {
        const tree = condense(grown, PARAMETERS);
        const read = parseBody(emitBody(tree, PARAMETERS), PARAMETERS);
        expect(read).toBeDefined();
        for (const row of given) expect(sameNumber(evaluate(read!, row), evaluate(tree, row))).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([
    'return (item - residual) / 100;',
    'const a = item - residual, b = a * 2; return b ** 2 - +a;',
    'if (item > 3 && residual <= 9) { return 1; } else if (!(item === 7)) return 2; return Math.max(item, residual, 5);',
    'return item >= residual || residual !== 2 ? Math.sqrt(item) : Math.log1p(Math.abs(residual));',
    'if (item < 2) { const x = item * 2; if (x < 3) return x; return 0; } return Math.exp(share) / (residual || 1);',
    'let x = -item; { return x; }',
  ])('reads %s', (body) => {
    const tree = parseBody(body, PARAMETERS);
    const call = callable(body);
    expect(tree).toBeDefined();
    for (const row of rows) expect(evaluate(tree!, row)).toBeCloseTo(call(...row), 12);
  });

  test.each([
    ['a division that could meet 0', 'return item / residual;'],
    ['a root of what may be negative', 'return Math.sqrt(residual);'],
    ['a comparison that NaN would decide otherwise', 'return item / (share || 1) >= 2 ? 1 : 0;'],
    ['a loop', 'let x = 0; for (const y of [1]) x += y; return x;'],
    ['an assignment', 'let x = 0; x = 1; return x;'],
    ['another function', 'return Math.random();'],
    ['an inherited name', 'return Math.constructor(item);'],
    ['a name from outside', 'return item + secret;'],
    ['a branch that goes on', 'if (item < 3) { } return 1;'],
    ['no return', 'const x = 1;'],
    ['text', "return 'a';"],
    ['types', 'const x: number = item; return x;'],
    ['what is no body', 'return 1; } function g() {'],
    ['what does not parse', 'return (;'],
    [
      'what grows beyond breeding',
      `${Array.from({ length: 12 }, (_, i) => `const v${i + 1} = v${i} * v${i} + v${i};`)
        .join(' ')
        .replaceAll('v0', 'item')} return v12;`,
    ],
  ])('does not read %s', (_name, body) => {
    expect(parseBody(body, PARAMETERS)).toBeUndefined();
  });
});
