import { describe, expect, test } from 'vitest';
import { createGate } from '#operation/gate.ts';
import { gardenOperations } from '#operation/fixture.ts';
import { nodePrincipal } from '#operation/principal.ts';
import { createRegistry } from '#operation/registry.ts';
import * as cli from './cli.ts';
import { runLocal } from './local.ts';
import type { DevPorts } from './ports.ts';

const garden = createRegistry(gardenOperations);
const gate = createGate<DevPorts>({
  ports: { registry: garden },
  activity: { append: async () => undefined },
  report: ({ cause }) => {
    throw cause;
  },
});
const principal = nodePrincipal('test');

async function names(input: object): Promise<readonly string[]> {
  const { items } = (await gate.call(cli.list, { principal, input })) as { items: { name: string }[] };
  return items.map(({ name }) => name);
}

describe('cli:list', () => {
  test('all operations that are registered now', async () => {
    expect(await names({})).toEqual(garden.list().map(({ name }) => name));
  });

  test.each([
    [{ module: 'garden' }, ['garden:health', 'garden:metrics']],
    [{ kind: 'dangerous' }, ['pots:smash']],
    [{ filter: ['method=DELETE'] }, ['pots:smash']],
    [{ search: 'figures' }, ['garden:metrics']],
    [{ limit: 1, sort: 'name', order: 'desc' as const }, ['pots:watch']],
  ])('%j', async (input, expected) => {
    expect(await names(input)).toEqual(expected);
  });

  test('an entry comes out whole: what the command line needs is in it', async () => {
    const { items } = (await gate.call(cli.list, { principal, input: { search: 'growth' } })) as { items: object[] };
    expect(items[0]).toMatchObject({
      name: 'pots:watch',
      stream: true,
      method: 'GET',
      path: '/api/pots/:pot_id/events',
      flags: expect.any(Array) as unknown,
    });
  });

  test('what runs on the command line only is refused elsewhere', async () => {
    await expect(gate.call(cli.help, { principal, input: {} })).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('runLocal', () => {
  const local = {
    operations: gardenOperations,
    version: '1.0.0',
    signal: new AbortController().signal,
    help: async (words: readonly string[], { all }: { all: boolean }) => `help on ${words.join(' ')} ${all}`,
  };

  test('help, reference and completion', async () => {
    expect(await runLocal('cli:help', { command: 'a b' }, local)).toBe('help on a b false');
    expect(await runLocal('cli:help', { all: true }, local)).toBe('help on  true');
    expect(JSON.parse(String(await runLocal('cli:docs', { format: 'openapi' }, local)))).toMatchObject({ info: { version: '1.0.0' } });
    expect(JSON.parse(String(await runLocal('cli:docs', { format: 'json' }, local)))).toHaveLength(gardenOperations.length);
    expect(await runLocal('cli:docs', { format: 'md' }, local)).toBe(await runLocal('cli:docs', {}, local));
    expect(await runLocal('cli:completion', { shell: 'fish' }, local)).toContain('complete -c seed');
  });

  test('what is wrong with the input is said as everywhere', async () => {
    await expect(runLocal('cli:completion', { shell: 'tcsh' }, local)).rejects.toMatchObject({ code: 'invalid_input' });
    await expect(runLocal('cli:list', {}, local)).rejects.toMatchObject({ code: 'unavailable' });
  });
});
