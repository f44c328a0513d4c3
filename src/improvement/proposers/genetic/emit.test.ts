import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arbitraryArguments, arbitraryTree, callable, PARAMETERS, sameNumber } from './arbitrary-tree.ts';
import { condense } from './condense.ts';
import { emitBody } from './emit.ts';
import { apply, constant, evaluate, parameter, type Expression } from './expression.ts';

const [item, residual, share] = [parameter(0), parameter(1), parameter(2)];
const number = constant;
const gap = apply('subtract', residual, item);

function body(tree: Expression): string {
  return emitBody(tree, PARAMETERS);
}

describe('emitBody', () => {
  test('computes what the tree computes, simplified or not', () => {
    fc.assert(
      fc.property(arbitraryTree, arbitraryArguments, fc.boolean(), (grown, rows, simple) => {
        const tree = simple ? condense(grown, PARAMETERS) : grown;
        const call = callable(body(tree));
        for (const row of rows) expect(sameNumber(call(...row), evaluate(tree, row))).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test('keeps lines short', () => {
    fc.assert(
      fc.property(arbitraryTree, (tree) => {
        for (const line of body(condense(tree, PARAMETERS)).split('\n')) expect(line.length).toBeLessThanOrEqual(100);
      }),
      { numRuns: 1_000 },
    );
  });

  test('reads like rules: early returns, simple case first', () => {
    const inner = apply('ifLess', residual, number(40), apply('negate', gap), apply('subtract', item, number(1)));
    const tree = apply('ifLess', gap, number(2), number(100), inner);
    expect(body(tree)).toBe(
      ['  const gap = residual - item;', '  if (gap < 2) return 100;', '  if (residual < 40) return -gap;', '  return item - 1;'].join(
        '\n',
      ),
    );
  });

  test('turns a condition where that spares a block', () => {
    const tree = apply('ifLess', item, number(30), apply('ifLess', residual, number(9), share, item), number(0));
    expect(body(tree)).toBe(['  if (item >= 30) return 0;', '  if (residual < 9) return share;', '  return item;'].join('\n'));
  });

  test('opens a block where both branches choose', () => {
    const choice = apply('ifLess', residual, number(9), share, item);
    const tree = apply('ifLess', item, number(30), choice, apply('ifLess', share, number(0.5), number(1), number(2)));
    expect(body(tree)).toBe(
      [
        '  if (item < 30) {',
        '    if (residual < 9) return share;',
        '    return item;',
        '  }',
        '  if (share < 0.5) return 1;',
        '  return 2;',
      ].join('\n'),
    );
  });

  test('names what is used twice, where it is needed first, and squares nothing but names', () => {
    const square = apply('square', apply('divide', item, apply('add', residual, number(6))));
    const tree = apply('ifLess', item, number(3), share, apply('subtract', square, apply('multiply', gap, gap)));
    expect(body(tree)).toBe(
      [
        '  if (item < 3) return share;',
        '  const ratio = item / (residual + 6);',
        '  const gap = residual - item;',
        '  return ratio * ratio - gap * gap;',
      ].join('\n'),
    );
  });

  test('writes guards only where the ranges ask for them', () => {
    expect(body(apply('divide', residual, item))).toBe('  return residual / item;');
    expect(body(apply('divide', item, residual))).toBe('  return item / (residual || 1);');
    expect(body(apply('divide', item, gap))).toBe('  return item / (residual - item || 1);');
    expect(body(apply('squareRoot', item))).toBe('  return Math.sqrt(item);');
    expect(body(apply('squareRoot', residual))).toBe('  return Math.sqrt(Math.abs(residual));');
    expect(body(apply('exponential', share))).toBe('  return Math.exp(share);');
    expect(body(apply('exponential', item))).toBe('  return Math.exp(Math.min(item, 20));');
  });

  test('sets parentheses where the meaning or a formatter asks for them', () => {
    expect(body(apply('subtract', item, apply('subtract', residual, share)))).toBe('  return item - (residual - share);');
    expect(body(apply('subtract', apply('subtract', item, residual), share))).toBe('  return item - residual - share;');
    expect(body(apply('divide', apply('multiply', item, residual), number(2)))).toBe('  return (item * residual) / 2;');
    expect(body(apply('negate', apply('add', item, residual)))).toBe('  return -(item + residual);');
    expect(body(apply('ifLess', number(3), item, number(1), number(2)))).toBe('  if (item > 3) return 1;\n  return 2;');
  });

  test('no two constants share a name, and none takes that of a parameter', () => {
    const names = [
      { name: 'gap', min: 1, max: 9, integer: true },
      { name: 'ratio', min: 1, max: 9, integer: true },
    ];
    const pair = apply('subtract', item, residual);
    const other = apply('subtract', apply('square', pair), pair);
    const text = emitBody(apply('multiply', other, other), names);
    expect(text).toBe(['  const gapGap = gap - ratio;', '  const gap2 = gapGap * gapGap - gapGap;', '  return gap2 * gap2;'].join('\n'));
  });
});
