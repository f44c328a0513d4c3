import { describe, expect, test } from 'vitest';
import { readFunction, replaceFunctionBody } from './function-slot.ts';

const source = `import type { Bin } from './bin.ts';
type Größe = { é: 'ü😀' };
/** 😀 */
export function priority(item: number, { free }: Bin, ...rest: Größe[]): number { // ü
  return item as number;
}
const tight = (a: number): boolean => { return a === 0; };
export const loose = function (a: number) { return a > 0; };
const bare = (a: number) => a;
`;

describe('readFunction', () => {
  test('finds a function, its parameters and its body in the TypeScript text', () => {
    const slot = readFunction(source, 'priority');
    expect(slot.parameters).toEqual(['item', '{ free }', '...rest']);
    expect(slot.body).toBe(' // ü\n  return item as number;\n');
    expect(source.slice(slot.bodyStart, slot.bodyEnd)).toBe(slot.body);
    expect(source.slice(slot.start, slot.end)).toMatch(/^function priority[^]*\}$/);
  });

  test.each([
    ['tight', ' return a === 0; '],
    ['loose', ' return a > 0; '],
  ])('finds the function that %s holds', (name, body) => {
    expect(readFunction(source, name).body).toBe(body);
  });

  test.each([
    ['bare', 'invalid_input', /no braces/],
    ['missing', 'invalid_input', /no function "missing"/],
  ])('refuses %s', (name, code, message) => {
    expect(() => readFunction(source, name)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
  });

  test('refuses a name that is declared twice, and what is no TypeScript', () => {
    expect(() => readFunction('function a() {} var a = () => {};', 'a')).toThrow(/already been declared/);
    expect(() => readFunction('enum Colour { red }', 'a')).toThrow(expect.objectContaining({ code: 'compile_failed' }));
    expect(() => readFunction('function a( {', 'a')).toThrow(expect.objectContaining({ code: 'compile_failed' }));
  });
});

describe('replaceFunctionBody', () => {
  test('changes the body and nothing else', () => {
    const replaced = replaceFunctionBody(source, 'priority', '\n  return -item;\n');
    expect(replaced).toBe(source.replace(' // ü\n  return item as number;\n', '\n  return -item;\n'));
  });

  test.each(['return 1; } function b() {', 'return (', '/*', '`', 'return 1; }; {', '} {'])(
    'refuses %j, which does not stay between the braces',
    (body) => {
      expect(() => replaceFunctionBody(source, 'priority', body)).toThrow(expect.objectContaining({ code: 'compile_failed' }));
    },
  );
});
