import { describe, expect, test } from 'vitest';
import { contractSchema, type ContractData } from '#kernel/compiler/contract.ts';
import { replaceFunctionBody } from '#kernel/compiler/function-slot.ts';
import { apply, evaluate, parameter } from './expression.ts';
import { readFunctions, toCandidate } from './functions.ts';

const range = { min: 1, max: 9, integer: true };

function contractWith(...names: readonly string[]): ContractData {
  const exports = names.map((name) => ({
    kind: 'evolvable',
    name,
    parameters: [
      { name: 'item', ...range },
      { name: 'space', ...range },
    ],
  }));
  const handle = { kind: 'call', name: 'handle', input: {}, output: {} };
  return contractSchema.parse({ contract: 1, name: 'tested', summary: '', exports: [handle, ...exports], limits: {} });
}

const source = `// before
export function first(a: number, b: number): number {
  return a - b;
}
const between = { first: 'function first() {}' };
export const second = (x: number, y: number): number => {
  const types: number = x;
  return types;
};
export function third(a: number): number { return Math.max(a, 2); }
`;

describe('readFunctions', () => {
  test('takes the functions it can read, under the names they give their parameters', () => {
    const read = readFunctions(contractWith('first', 'second', 'third'), { 'agent.ts': source });
    expect(read.slots.map((slot) => slot.name)).toEqual(['first', 'third']);
    expect(read.parameters.map((one) => one.map(({ name }) => name))).toEqual([['a', 'b'], ['a']]);
    expect(read.parameters[0]![0]).toEqual({ name: 'a', ...range });
    expect(evaluate(read.genome![0]!, [7, 2])).toBe(5);
  });

  test('starts from nothing when it can read none', () => {
    const read = readFunctions(contractWith('second'), { 'agent.ts': source });
    expect(read.genome).toBeUndefined();
    expect(read.slots.map((slot) => slot.name)).toEqual(['second']);
  });

  test.each([
    [contractWith(), source, /no function that may be evolved/],
    [contractWith('absent'), source, /absent/],
    [contractWith('first'), 'export function first({ a }: { a: number }) { return a; }', /\{ a \}/],
    [contractWith('first'), 'export function first() { return 1; }', /takes nothing/],
  ])('refuses what it can do nothing for', (contract, text, message) => {
    expect(() => readFunctions(contract, { 'agent.ts': text })).toThrow(
      expect.objectContaining({ code: 'invalid_input', message: expect.stringMatching(message) as string }),
    );
  });
});

describe('toCandidate', () => {
  test('replaces bodies and not a byte besides', () => {
    const functions = readFunctions(contractWith('third', 'first'), { 'agent.ts': source });
    const genome = [parameter(0), apply('add', parameter(0), parameter(1))];
    const { files, bodies } = toCandidate(genome, functions);
    expect(bodies).toEqual({ third: '\n  return a;\n', first: '\n  return a + b;\n' });
    const expected = replaceFunctionBody(replaceFunctionBody(source, 'first', bodies!['first']!), 'third', bodies!['third']!);
    expect(files).toEqual({ 'agent.ts': expected });
  });
});
