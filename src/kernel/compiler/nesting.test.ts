import { expect, test } from 'vitest';
import { nestingBound } from './nesting.ts';

const LIMIT = 500;
const MANY = 1_000;

test.each([
  ['parentheses', '('],
  ['brackets', '['],
  ['prefix operators', '!'],
  ['arrows', 'a=>'],
  ['arrows on lines', 'a=>\n'],
  ['statements without blocks', 'if(1)'],
  ['statements without blocks on lines', 'if (1)\n'],
  ['branches', 'if(1);else '],
  ['branches with blocks', 'if(1){}else '],
  ['choices', '1?1:'],
  ['holes of templates', '`${'],
  ['calls', 'a('],
  ['members', 'a.'],
  ['new', 'new '],
  ['new on lines', 'new\n'],
  ['assignments', 'a='],
  ['labels', 'a:'],
  ['loops', 'for(;;)'],
  ['types', 'let x:A<'],
])('finds many %s in one another', (_, piece) => {
  expect(nestingBound(piece.repeat(MANY), LIMIT)).not.toBeNull();
});

test.each([
  ['statements', 'a = f(1)[2];\n'],
  ['statements without semicolons', 'a = f(1)[2]\n'],
  ['functions', 'function f(a: number): string { return `a ${b} c` }\n'],
  ['classes', 'class A { b = 1; get c() { return this.b } d() {} }\n'],
  ['strings with brackets', `s = '((((' + "[[[[" + \`{{{{\`\n`],
  ['comments with brackets', '// ((((\n/* [[[[ */\n'],
  ['branches', 'if (a) { b } else if (c) { d } else { e }\n'],
  ['data', '[{ a: 1, b: [1, 2] }, "x"],\n'],
])('does not count %s after one another', (_, piece) => {
  expect(nestingBound(piece.repeat(MANY), LIMIT)).toBeNull();
});

test('says where the bound is passed', () => {
  expect(nestingBound(`let a = 1;\n  ${'('.repeat(20)}`, 10)).toEqual({ line: 2, column: 13 });
});

test('reads a megabyte in linear time', () => {
  const text = 'const a = { b: [1, 2, "x"], c: `${d}` };\n'.repeat(25_000);
  const startedMs = performance.now();
  nestingBound(text, LIMIT);
  expect(performance.now() - startedMs).toBeLessThan(2_000);
});
