// Operations for the tests of this layer and of its surfaces: small, real, and one for every word of the definition.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { SeedError } from '#lib/error.ts';
import { LiveAnswer, type AnswerEvent } from './live-answer.ts';
import { operation, type ListBinding, type Operation, type OperationContext } from './operation.ts';
import { paginate } from './page.ts';
import { RawJson } from './raw-json.ts';

export interface Pot {
  potId: string;
  plant: string;
  heightCm: number;
  sown: string;
  inBloom: boolean;
}

/** What the fixture's handlers work on. */
export interface GardenPorts {
  pots: Map<string, Pot>;
  /** Streams that are being read now. */
  watching: number;
}

export function garden(): GardenPorts {
  const plants = ['rose', 'fern', 'mint', 'sage', 'basil'];
  const pots = plants.map((plant, index): Pot => {
    const potId = `p${index + 1}`;
    return { potId, plant, heightCm: 10 * (index + 1), sown: `2026-0${index + 1}-01T00:00:00.000Z`, inBloom: index % 2 === 0 };
  });
  return { pots: new Map(pots.map((pot) => [pot.potId, pot])), watching: 0 };
}

const pot = z.object({ potId: z.string(), plant: z.string(), heightCm: z.number(), sown: z.string(), inBloom: z.boolean() });
const potId = z.string().regex(/^p[0-9]{1,6}$/);
const permission = (action: string): { resource: string; action: string } => ({ resource: 'pots', action });

const potList = {
  fields: { potId: 'string', plant: 'string', heightCm: 'number', sown: 'time', inBloom: 'boolean' },
  search: ['plant'],
  defaultSort: 'potId',
} as const satisfies ListBinding;

type Context = OperationContext<GardenPorts>;

const list = operation({
  name: 'pots:list',
  aliases: ['pots:all'],
  summary: 'pots with their plants',
  kind: 'read',
  permission: permission('read'),
  input: z.object({ minHeightCm: z.number().optional() }),
  output: pot,
  http: { method: 'GET', path: '/api/pots' },
  list: potList,
  examples: [{ summary: 'tall ones', input: { filter: ['height_cm>20'] } }],
  handler:
    async () =>
    (input, { ports }: Context) =>
      paginate(
        [...ports.pots.values()].filter(({ heightCm }) => heightCm >= (input.minHeightCm ?? 0)),
        input,
        potList,
      ),
});

const get = operation({
  name: 'pots:get',
  summary: 'one pot with its plant',
  kind: 'read',
  permission: permission('read'),
  input: z.object({ potId }),
  output: pot,
  http: { method: 'GET', path: '/api/pots/:potId' },
  cli: { positionals: ['potId'] },
  examples: [{ summary: 'the first', input: { potId: 'p1' } }],
  // An extra member that the definition does not name: it must not leave the node.
  handler:
    async () =>
    (input, { ports }: Context) => ({ ...found(ports, input.potId), gardenerPin: '1234' }),
});

const plant = operation({
  name: 'pots:plant',
  summary: 'put a plant into a new pot',
  kind: 'write',
  permission: permission('write'),
  dryRun: true,
  input: z.object({
    potId,
    plant: z.string().min(1).max(40),
    heightCm: z.number().min(0).max(500).default(1),
    tags: z.array(z.string().max(10)).max(5).default([]),
    soil: z.object({ phValue: z.number(), kind: z.enum(['loam', 'sand']) }).optional(),
    labels: z.record(z.string(), z.string()).optional(),
    notes: z.unknown().optional(),
  }),
  output: pot.extend({ applied: z.boolean(), echo: z.unknown() }),
  http: { method: 'POST', path: '/api/pots', status: 201 },
  examples: [{ summary: 'a rose', input: { potId: 'p9', plant: 'rose' } }],
  handler:
    async () =>
    (input, { ports, dryRun }: Context) => {
      if (ports.pots.has(input.potId)) throw new SeedError('conflict', `pot ${input.potId} is taken`);
      const made = { potId: input.potId, plant: input.plant, heightCm: input.heightCm, sown: '2026-06-01T00:00:00.000Z', inBloom: false };
      const echo = { labels: input.labels, notes: input.notes, phValue: input.soil?.phValue, tags: input.tags };
      if (dryRun) return { ...made, applied: false };
      ports.pots.set(made.potId, made);
      return { ...made, applied: true, echo };
    },
});

const smash = operation({
  name: 'pots:smash',
  summary: 'smash a pot for good',
  kind: 'dangerous',
  permission: permission('smash'),
  input: z.object({ potId, force: z.boolean().default(false) }),
  output: z.object({ smashed: z.boolean() }),
  http: { method: 'DELETE', path: '/api/pots/:potId' },
  cli: { positionals: ['potId'] },
  examples: [{ summary: 'away with it', input: { potId: 'p1' } }],
  access:
    async () =>
    (input, { ports, principal }: Context) =>
      ports.pots.has(input.potId) && principal.id !== 'neighbour',
  handler:
    async () =>
    (input, { ports }: Context) => ({ smashed: ports.pots.delete(input.potId) }),
});

const echo = operation({
  name: 'pots:echo',
  summary: 'answer with the input, as it was written',
  kind: 'write',
  audit: false,
  permission: permission('write'),
  input: z.object({ potId, input: z.unknown(), callKey: z.string().max(200).optional() }),
  output: z.object({ data: z.unknown(), callId: z.string(), version: z.int(), durationMs: z.number(), recorded: z.boolean() }),
  http: { method: 'POST', path: '/api/pots/:potId/echo', raw: { contentType: 'application/json' } },
  examples: [{ summary: 'a word', input: { potId: 'p1', input: 'hello' } }],
  handler:
    async () =>
    (input, { requestId }: Context) => ({
      data: new RawJson(JSON.stringify(input.input ?? null)),
      callId: requestId,
      version: 1,
      durationMs: 0.25,
      recorded: true,
    }),
});

const watch = operation({
  name: 'pots:watch',
  summary: 'growth of a pot, as it happens',
  kind: 'read',
  stream: true,
  eventId: 'seq',
  permission: permission('read'),
  input: z.object({ potId, until: z.int().default(3), delayMs: z.int().min(0).max(1000).default(0), failAt: z.int().optional() }),
  output: z.object({ seq: z.int(), newHeightCm: z.number() }),
  http: { method: 'GET', path: '/api/pots/:potId/events' },
  examples: [{ summary: 'the next three', input: { potId: 'p1' } }],
  handler:
    async () =>
    (input, { ports, lastEventId, signal }: Context) => {
      const height = found(ports, input.potId).heightCm;
      return (async function* grow() {
        ports.watching += 1;
        try {
          for (let seq = Number(lastEventId ?? 0) + 1; seq <= input.until; seq += 1) {
            if (input.delayMs > 0) await sleep(input.delayMs, undefined, { signal });
            if (seq === input.failAt) throw new SeedError('invalid_state', 'the pot fell over');
            yield { seq, newHeightCm: height + seq };
          }
        } finally {
          ports.watching -= 1;
        }
      })();
    },
});

const broken = operation({
  name: 'pots:broken',
  summary: 'go wrong in the way that is asked for',
  kind: 'write',
  permission: permission('write'),
  input: z.object({ way: z.enum(['throw', 'output', 'coded', 'disk']) }),
  output: z.object({ count: z.int() }),
  http: { method: 'POST', path: '/api/pots/broken' },
  examples: [{ summary: 'a bug', input: { way: 'throw' } }],
  handler: async () => (input) => {
    if (input.way === 'output') return { count: 'many' };
    if (input.way === 'coded') throw new SeedError('queue_full', 'the shed is full', { retryAfterMs: 2_500 });
    if (input.way === 'disk') throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
    throw new TypeError('secret of the shed: 1234');
  },
});

/** As OpenAI's clients ask and are answered; what a plant says is its messages, one word each. */
const talk = operation({
  name: 'pots:talk',
  summary: 'hear what a plant has to say',
  kind: 'write',
  permission: permission('talk'),
  target: ['plant'],
  input: z.object({
    prompt: z.string().optional(),
    plant: z.string().default('rose'),
    messages: z.array(z.looseObject({ content: z.string() })).default([]),
    failAt: z.int().optional(),
    stream: z.boolean().optional(),
    streamOptions: z.looseObject({}).optional(),
  }),
  output: z.object({ id: z.string(), text: z.string() }),
  http: { method: 'POST', path: '/v1/talk', raw: { contentType: 'application/json' }, dialect: 'openai' },
  cli: { positionals: ['prompt'], upload: { messages: 'file' } },
  examples: [{ summary: 'a word', input: { prompt: 'hello' } }],
  handler:
    async () =>
    (input, { ports, signal }: Context) => {
      const words = [...input.messages.map(({ content }) => content), ...(input.prompt === undefined ? [] : [input.prompt])];
      if (input.failAt === 0) throw new SeedError('rate_limited', 'the rose is tired', { retryAfterMs: 2_000, hint: 'let it rest' });
      if (input.stream !== true) return { id: 'talk-1', text: words.join(' ') };
      return new LiveAnswer(
        (async function* say(): AsyncGenerator<AnswerEvent> {
          ports.watching += 1;
          try {
            for (const [index, content] of words.entries()) {
              if (index + 1 === input.failAt) throw new SeedError('unavailable', 'the rose has withered', { hint: 'water it' });
              // Nobody hears it: it is quiet until they have left.
              if (content === 'silence') await once(signal, 'abort');
              yield { event: 'chunk', data: new RawJson(JSON.stringify({ model: 'rose', choices: [{ delta: { content } }] })) };
            }
            yield { event: 'chunk', data: new RawJson(JSON.stringify({ choices: [], usage: { total_tokens: words.length } })) };
            yield { event: 'done', data: null };
          } finally {
            ports.watching -= 1;
          }
        })(),
      );
    },
});

const health = operation({
  name: 'garden:health',
  summary: 'how the garden is',
  kind: 'read',
  permission: permission('read'),
  input: z.object({}),
  output: z.object({ status: z.enum(['pass', 'fail']), potCount: z.int() }),
  http: {
    method: 'GET',
    path: '/health/deep',
    public: true,
    raw: { contentType: 'application/health+json' },
    statusOf: (output) => (output['status'] === 'pass' ? 200 : 503),
  },
  examples: [{ summary: 'now', input: {} }],
  handler:
    async () =>
    (_, { ports }: Context) => ({ status: ports.pots.size > 0 ? 'pass' : 'fail', potCount: ports.pots.size }),
});

const metrics = operation({
  name: 'garden:metrics',
  summary: 'figures of the garden as text',
  kind: 'read',
  permission: { resource: 'metrics', action: 'read' },
  input: z.object({}),
  output: z.string(),
  http: { method: 'GET', path: '/metrics', raw: { contentType: 'text/plain; version=0.0.4; charset=utf-8' } },
  examples: [{ summary: 'now', input: {} }],
  handler:
    async () =>
    (_, { ports }: Context) =>
      `pots ${ports.pots.size}\n`,
});

const local = operation({
  name: 'pots:paint',
  summary: 'paint a pot by hand',
  kind: 'local',
  permission: permission('write'),
  input: z.object({ colour: z.string() }),
  output: z.object({}),
  http: null,
  examples: [{ summary: 'red', input: { colour: 'red' } }],
  handler: async () => () => ({}),
});

export const gardenOperations: readonly Operation<GardenPorts>[] = [
  list,
  get,
  plant,
  smash,
  echo,
  watch,
  talk,
  broken,
  health,
  metrics,
  local,
];

function found(ports: GardenPorts, id: string): Pot {
  const known = ports.pots.get(id);
  if (known === undefined) throw new SeedError('not_found', `there is no pot ${id}`);
  return known;
}
