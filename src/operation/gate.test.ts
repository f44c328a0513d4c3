import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { SeedError } from '#lib/error.ts';
import type { ActivityEntry } from './activity.ts';
import { garden, gardenOperations, type GardenPorts } from './fixture.ts';
import { createGate, type GateProblem, type GateRequest } from './gate.ts';
import { LiveAnswer, type AnswerEvent } from './live-answer.ts';
import { operation, type Operation } from './operation.ts';
import { STRANGER, type Principal } from './principal.ts';
import { createRegistry } from './registry.ts';
import { encodeOutput } from './output.ts';

const gardener: Principal = { kind: 'user', id: 'gardener', roles: ['admin'], scopes: ['*'] };
const visitor: Principal = { kind: 'user', id: 'visitor', roles: [], scopes: ['pots:read'] };
const neighbour: Principal = { kind: 'user', id: 'neighbour', roles: [], scopes: ['*'] };

function setUp(activityFails = false) {
  const ports = garden();
  const registry = createRegistry<GardenPorts>(gardenOperations);
  const entries: ActivityEntry[] = [];
  const problems: GateProblem[] = [];
  const activity = {
    append: async (entry: ActivityEntry) => {
      if (activityFails) throw new Error('the book is wet');
      entries.push(entry);
    },
  };
  const gate = createGate({ ports, activity, report: (problem) => problems.push(problem), nowMs: () => 1_000 });
  const call = (name: string, request: Partial<GateRequest>): Promise<unknown> =>
    gate.call(registry.get(name), { principal: gardener, input: {}, requestId: 'r-1', ...request });
  return { ports, call, entries, problems, registry };
}

async function failure(work: Promise<unknown>): Promise<SeedError> {
  const error: unknown = await work.then(
    (value) => new Error(`it was answered: ${JSON.stringify(value)}`),
    (thrown: unknown) => thrown,
  );
  if (error instanceof SeedError) return error;
  throw error;
}

describe('the order of the gate', () => {
  // Everything is wrong at once; each step must speak before the next one looks.
  const wrong = { potId: 'not a pot', colour: 'red' };

  test('permission comes before the input is read', async () => {
    const { call } = setUp();
    expect((await failure(call('pots:smash', { principal: visitor, input: wrong }))).code).toBe('forbidden');
  });

  test('the input comes before access to what it names', async () => {
    const { call } = setUp();
    expect((await failure(call('pots:smash', { principal: neighbour, input: wrong }))).code).toBe('invalid_input');
  });

  test('access comes before confirmation, and answers as if there were nothing', async () => {
    const { call } = setUp();
    expect((await failure(call('pots:smash', { principal: neighbour, input: { potId: 'p1' } }))).code).toBe('not_found');
    expect((await failure(call('pots:smash', { input: { potId: 'p77' } }))).code).toBe('not_found');
  });

  test('confirmation comes before the handler, and takes nothing but the own name', async () => {
    const { call, ports } = setUp();
    for (const confirm of [undefined, '', 'true', 'pots:plant']) {
      const error = await failure(call('pots:smash', { input: { potId: 'p1' }, confirm }));
      expect([error.code, error.status, error.details]).toEqual(['confirmation_required', 428, { confirm: 'pots:smash' }]);
    }
    expect(ports.pots.has('p1')).toBe(true);
    expect(await call('pots:smash', { input: { potId: 'p1' }, confirm: 'pots:smash' })).toEqual({ smashed: true });
    expect(ports.pots.has('p1')).toBe(false);
  });

  test('a stranger gets through to what is public and to nothing else', async () => {
    const { call } = setUp();
    expect(await call('garden:health', { principal: STRANGER })).toEqual({ status: 'pass', potCount: 5 });
    expect((await failure(call('pots:list', { principal: STRANGER }))).code).toBe('forbidden');
  });
});

describe('what goes in', () => {
  test('members in wire names, at every declared depth, and not a letter of what is left open', async () => {
    const { call } = setUp();
    const input = {
      pot_id: 'p9',
      plant: 'ivy',
      height_cm: 3,
      soil: { ph_value: 6.5, kind: 'loam' },
      labels: { some_key: 'a', otherKey: 'b' },
      notes: { deep_er: { campingGear: 1 } },
    };
    const output = await call('pots:plant', { input, names: 'wire' });
    expect(output).toMatchObject({
      potId: 'p9',
      heightCm: 3,
      applied: true,
      echo: { phValue: 6.5, labels: input.labels, notes: input.notes },
    });
  });

  test.each([
    ['an unknown member, with the nearest', { pot_id: 'p9', plant: 'ivy', hight_cm: 2 }, 'hight_cm', 'did you mean height_cm?'],
    ['a name as code spells it', { potId: 'p9', pot_id: 'p9', plant: 'ivy' }, 'potId', 'did you mean pot_id?'],
    [
      'an unknown member one level down',
      { pot_id: 'p9', plant: 'ivy', soil: { ph_value: 1, kind: 'loam', pH: 2 } },
      'soil.pH',
      'no such member',
    ],
    ['a wrong type', { pot_id: 'p9', plant: 'ivy', height_cm: '3' }, 'height_cm', 'expected number'],
    [
      'a wrong member one level down',
      { pot_id: 'p9', plant: 'ivy', soil: { ph_value: 'x', kind: 'loam' } },
      'soil.ph_value',
      'expected number',
    ],
    ['a wrong item', { pot_id: 'p9', plant: 'ivy', tags: ['a', 2] }, 'tags.1', 'expected string'],
    ['__proto__', JSON.parse('{"pot_id":"p9","plant":"ivy","__proto__":{"height_cm":5}}'), '__proto__', 'no such member'],
    ['a missing member', { pot_id: 'p9' }, 'plant', 'is missing'],
  ])('refuses %s', async (_, input, path, message) => {
    const { call } = setUp();
    const error = await failure(call('pots:plant', { input, names: 'wire' }));
    expect([error.code, error.status]).toEqual(['invalid_input', 422]);
    expect(error.details).toContainEqual({ path, message: expect.stringContaining(message) as string });
  });

  test.each([[null], [[]], ['text'], [7], [undefined]])('refuses %j as a whole', async (input) => {
    const { call } = setUp();
    expect((await failure(call('pots:plant', { input, names: 'wire' }))).details).toMatchObject([{ path: '' }]);
  });

  test('members of a list, in the names of its fields', async () => {
    const { call } = setUp();
    const error = await failure(call('pots:list', { input: { filter: ['plant=rose', 'hight_cm>3'] }, names: 'wire' }));
    expect([error.code, error.details]).toEqual(['invalid_input', [{ path: 'filter.1', message: 'there is no field "hight_cm"' }]]);
    expect((await failure(call('pots:list', { input: { limit: 101 }, names: 'wire' }))).details).toMatchObject([{ path: 'limit' }]);
  });
});

describe('what comes out', () => {
  test('only what is declared', async () => {
    const { call, registry } = setUp();
    const output = await call('pots:get', { input: { potId: 'p2' } });
    expect(output).not.toHaveProperty('gardenerPin');
    expect(encodeOutput(registry.get('pots:get'), output)).toEqual({
      pot_id: 'p2',
      plant: 'fern',
      height_cm: 20,
      sown: '2026-02-01T00:00:00.000Z',
      in_bloom: false,
    });
  });

  test('a page, with its info in wire names', async () => {
    const { call, registry } = setUp();
    const output = await call('pots:list', { input: { limit: 2, page: 2, sort: 'height_cm', order: 'desc' }, names: 'wire' });
    expect(encodeOutput(registry.get('pots:all'), output)).toMatchObject({
      items: [{ pot_id: 'p3' }, { pot_id: 'p2' }],
      page_info: { page: 2, limit: 2, total: 5, pages: 3, has_next: true, has_previous: true },
    });
  });

  test.each(['throw', 'output'])('a bug (%s) is internal: the operator sees it, the caller does not', async (way) => {
    const { call, problems } = setUp();
    const error = await failure(call('pots:broken', { input: { way } }));
    expect([error.code, error.message, error.details]).toEqual(['internal', 'pots:broken failed unexpectedly', undefined]);
    expect(error.hint).toContain('r-1');
    expect(problems).toMatchObject([{ operation: 'pots:broken', requestId: 'r-1' }]);
    expect(problems[0]?.message).toMatch(way === 'throw' ? /secret of the shed/ : /definition does not allow/);
  });

  test('an expected failure comes as it is, a full disk by its own code', async () => {
    const { call, problems } = setUp();
    expect(await failure(call('pots:broken', { input: { way: 'coded' } }))).toMatchObject({ code: 'queue_full', retryAfterMs: 2_500 });
    expect((await failure(call('pots:broken', { input: { way: 'disk' } }))).code).toBe('storage_full');
    expect(problems).toEqual([]);
  });

  test('items of a stream one by one, from where the caller was', async () => {
    const { call, ports } = setUp();
    const stream = (await call('pots:watch', { input: { potId: 'p1' }, lastEventId: '1' })) as AsyncIterable<unknown>;
    const seen: unknown[] = [];
    for await (const item of stream) seen.push(item);
    expect(seen).toEqual([
      { seq: 2, newHeightCm: 12 },
      { seq: 3, newHeightCm: 13 },
    ]);
    expect(ports.watching).toBe(0);
  });

  test('leaving a stream early ends what feeds it', async () => {
    const { call, ports } = setUp();
    const stream = (await call('pots:watch', { input: { potId: 'p1', until: 1_000 } })) as AsyncIterable<unknown>;
    for await (const _ of stream) break;
    expect(ports.watching).toBe(0);
  });
});

describe('a live answer', () => {
  const live = (events: boolean): Operation<GardenPorts> =>
    operation<GardenPorts>({
      name: 'pots:sing',
      summary: 'sing to the pots',
      kind: 'read',
      events,
      permission: { resource: 'pots', action: 'read' },
      input: z.object({}),
      output: z.object({ songLine: z.string() }),
      http: null,
      examples: [],
      handler: async () => (_, context) => (context.wantsEvents === undefined ? { songLine: 'all of it' } : new LiveAnswer(song())),
    });
  async function* song(): AsyncGenerator<AnswerEvent> {
    yield { event: 'chunk', id: 1, data: 'la' };
    throw new Error('the singer is hoarse');
  }
  const sing = (events: boolean, wantsEvents?: 'always'): { answer: Promise<unknown>; problems: GateProblem[] } => {
    const problems: GateProblem[] = [];
    const gate = createGate({ ports: garden(), activity: { append: async () => undefined }, report: (problem) => problems.push(problem) });
    return { problems, answer: gate.call(live(events), { principal: gardener, input: {}, wantsEvents }) };
  };

  test('goes out as it is made, and what fails on the way fails in the form that a caller may see', async () => {
    const { answer, problems } = sing(true, 'always');
    const { events } = (await answer) as LiveAnswer;
    const seen: unknown[] = [];
    const read = async (): Promise<void> => {
      for await (const event of events) seen.push(event);
    };
    expect((await failure(read())).code).toBe('internal');
    expect(seen).toEqual([{ event: 'chunk', id: 1, data: 'la' }]);
    expect(problems).toHaveLength(1);
  });

  test('is only wanted where the definition knows of it and the caller takes it', async () => {
    expect(await sing(true).answer).toEqual({ songLine: 'all of it' });
    expect(await sing(false, 'always').answer).toEqual({ songLine: 'all of it' });
  });
});

describe('an idempotency key', () => {
  test('is refused where nobody looks at it, and nothing is done', async () => {
    const { call, ports } = setUp();
    const error = await failure(call('pots:plant', { input: { potId: 'p9', plant: 'ivy' }, idempotencyKey: 'k' }));
    expect([error.code, error.message]).toEqual(['invalid_input', expect.stringContaining('pots:plant takes no idempotency key')]);
    expect(ports.pots.has('p9')).toBe(false);
    await expect(call('pots:list', { idempotencyKey: 'k' })).resolves.toBeDefined();
  });
});

describe('a dry run', () => {
  test('answers a plan and changes nothing', async () => {
    const { call, ports, entries, registry } = setUp();
    const output = await call('pots:plant', { input: { potId: 'p9', plant: 'ivy' }, dryRun: true });
    expect(encodeOutput(registry.get('pots:plant'), output)).toMatchObject({ pot_id: 'p9', applied: false });
    expect(ports.pots.has('p9')).toBe(false);
    expect(entries).toEqual([]);
  });

  test('is refused where the handler does not know of it, instead of being performed', async () => {
    const { call, ports } = setUp();
    const error = await failure(call('pots:smash', { input: { potId: 'p1' }, dryRun: true, confirm: 'pots:smash' }));
    expect(error.code).toBe('invalid_input');
    expect(ports.pots.has('p1')).toBe(true);
  });
});

describe('the activity', () => {
  test('has one entry for each change, with its target and its end, and no values', async () => {
    const { call, entries } = setUp();
    await call('pots:plant', { input: { potId: 'p9', plant: 'ivy' } });
    await failure(call('pots:plant', { input: { potId: 'p9', plant: 'ivy' } }));
    await failure(call('pots:smash', { principal: visitor, input: { potId: 'p9' } }));
    await call('pots:smash', { input: { potId: 'p9' }, confirm: 'pots:smash' });
    expect(entries.map(({ principalId, operation, target, outcome }) => [principalId, operation, target, outcome])).toEqual([
      ['gardener', 'pots:plant', null, 'ok'],
      ['gardener', 'pots:plant', null, 'conflict'],
      ['visitor', 'pots:smash', null, 'forbidden'],
      ['gardener', 'pots:smash', 'p9', 'ok'],
    ]);
    expect(JSON.stringify(entries)).not.toContain('ivy');
  });

  test('has none for what reads, and none where the definition keeps better records', async () => {
    const { call, entries } = setUp();
    await call('pots:list', {});
    await call('pots:echo', { input: { potId: 'p1', input: 1 } });
    expect(entries).toEqual([]);
  });

  test('that can not be written is reported; the effect stays', async () => {
    const { call, problems, ports } = setUp(true);
    await call('pots:plant', { input: { potId: 'p9', plant: 'ivy' } });
    expect(ports.pots.has('p9')).toBe(true);
    expect(problems).toMatchObject([{ message: 'no activity entry for pots:plant (ok)' }]);
  });
});
