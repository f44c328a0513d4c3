import { describe, expect, test } from 'vitest';
import { createBuildTemplate } from './build-template.ts';

const sources = {
  'agent.ts': 'export function a(x: number): number {\n  return x;\n}\nexport const b = (y: number): number => { return y * 2; };\n',
  'contract.ts': 'kept',
};

describe('createBuildTemplate', () => {
  test('builds once and splices bodies in any number of times; what is left out keeps its own', async () => {
    const built: string[] = [];
    const template = await createBuildTemplate(sources, {
      names: ['a', 'b'],
      build: (files) => {
        built.push(files['agent.ts']!);
        expect(files['contract.ts']).toBe('kept');
        // The order of a built script need not be that of the source.
        return Promise.resolve(files['agent.ts']!.split('\n').toReversed().join('\n').replaceAll(': number', ''));
      },
    });
    const reversed = (text: string): string => text.split('\n').toReversed().join('\n');
    expect(template({ a: 'return 1;', b: 'return 2;' })).toBe(
      reversed('export function a(x) {return 1;}\nexport const b = (y) => {return 2;};\n'),
    );
    expect(template({ b: 'return $& + $1;' })).toContain('(y) => {return $& + $1;}');
    expect(template({ b: 'return 2;' })).toContain('{\n  return x;\n}');
    expect(built).toHaveLength(1);
  });

  test('says so when the built script hides a body', async () => {
    await expect(createBuildTemplate(sources, { names: ['a'], build: () => Promise.resolve('minified') })).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining('the body of a'),
    });
  });
});
