import vm from 'node:vm';
import { afterAll, describe, expect, test } from 'vitest';
import type { ContractData } from './contract.ts';
import { checkContract, contractFrom, type CheckedContract, type EvaluateScript } from './contract-data.ts';
import { SandboxHost } from '../sandbox/sandbox-host.ts';
import { Compiler } from './compiler.ts';

const compiler = new Compiler();
afterAll(() => compiler.close());

/** As a sandbox host does it, without the sandbox. */
const evaluate: EvaluateScript = ({ js, entry }) => {
  const context = vm.createContext({});
  vm.runInContext(js, context, { filename: 'contract.js' });
  return Promise.resolve(JSON.stringify(vm.runInContext(`__seed_module.${entry}()`, context)));
};

async function contract(text: string): Promise<CheckedContract> {
  return contractFrom(await compiler.compileContract({ 'contract.ts': text }), evaluate);
}

function withInput(input: string, rest = ''): Promise<CheckedContract> {
  return contract(`import { contract, z } from 'seed-agent/agent';
export default contract({
  name: 'a', summary: 's',
  exports: { handle: { kind: 'call', input: ${input}, output: z.object({ ok: z.boolean() }) } },
  ${rest}
});`);
}

function inputOf({ contract: data }: { contract: ContractData }): unknown {
  const [spec] = data.exports;
  return spec?.kind === 'call' ? spec.input : undefined;
}

test('a contract becomes data, with its defaults filled in and its hash', async () => {
  const text = `import { contract, z } from 'seed-agent/agent';
export default contract({
  name: 'packer', summary: 'Packs.',
  exports: {
    handle: { kind: 'call', input: z.object({ size: z.int().min(1), note: z.string().default('') }), output: z.object({ bin: z.int() }) },
    start: { kind: 'lifecycle' },
    priority: { kind: 'evolvable', summary: 'higher is better', parameters: { item: { min: 1, max: 150, integer: true }, residual: { min: 0, max: 150 } } },
  },
  examples: [{ input: { size: 3 }, output: { bin: 0 } }],
  capabilities: ['state', 'log'],
  limits: { cpuMs: 50 },
  objective: { name: 'excess', unit: '%', direction: 'minimize' },
});`;
  const { contract: data, contractHash } = await contract(text);
  expect(data).toMatchObject({
    contract: 1,
    name: 'packer',
    limits: { cpuMs: 50, deadlineMs: 5_000, memoryMb: 32 },
    isolation: 'version',
    rollout: { observeMs: 30_000 },
    examples: [{ export: 'handle', input: { size: 3 }, output: { bin: 0 } }],
  });
  expect(data.exports).toEqual([
    {
      kind: 'call',
      name: 'handle',
      input: {
        type: 'object',
        properties: { size: { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER }, note: { type: 'string', default: '' } },
        required: ['size'],
      },
      output: {
        type: 'object',
        properties: { bin: { type: 'integer', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER } },
        required: ['bin'],
      },
    },
    { kind: 'lifecycle', name: 'start' },
    {
      kind: 'evolvable',
      name: 'priority',
      summary: 'higher is better',
      parameters: [
        { name: 'item', min: 1, max: 150, integer: true },
        { name: 'residual', min: 0, max: 150, integer: false },
      ],
    },
  ]);
  expect(contractHash).toMatch(/^[0-9a-f]{64}$/);
  // What was stored is checked again when it is read, and says the same.
  expect(checkContract(JSON.parse(JSON.stringify(data)))).toEqual({ contract: data, contractHash });
});

describe('what JSON Schema can say is taken', () => {
  test.each([
    ['z.object({ a: z.email(), b: z.uuid(), c: z.url(), d: z.iso.datetime({ offset: true }), e: z.iso.date(), f: z.iso.time() })'],
    ['z.object({ a: z.ipv4(), b: z.ipv6(), c: z.cidrv4(), d: z.base64(), e: z.ulid(), f: z.hash("sha256"), g: z.e164() })'],
    ['z.object({ a: z.string().min(1).max(9).regex(/^[a-z]+$/).startsWith("a").endsWith("z").includes("m") })'],
    ['z.object({ a: z.number().positive().multipleOf(0.5), b: z.int32(), c: z.number().lt(3) })'],
    ['z.strictObject({ a: z.enum(["x", "y"]), b: z.literal([1, "two", null]), c: z.boolean().nullable().optional() })'],
    ['z.array(z.tuple([z.string(), z.number()], z.boolean())).min(1).max(3)'],
    ['z.record(z.string().regex(/^[a-z]+$/), z.number())'],
    ['z.discriminatedUnion("kind", [z.object({ kind: z.literal("a") }), z.object({ kind: z.literal("b"), n: z.number() })])'],
    ['z.intersection(z.object({ a: z.string() }), z.object({ b: z.string() }))'],
    ['z.templateLiteral(["order-", z.int()])'],
    ['z.object({ a: z.string().default("x"), b: z.number().prefault(1).describe("b") }).readonly()'],
    ['z.json()'],
    ['(() => { const Tree = z.object({ value: z.number(), get children() { return z.array(Tree); } }); return Tree; })()'],
  ])('%s', async (input) => {
    expect(inputOf(await withInput(input))).toBeTypeOf('object');
  });

  test('secrets stay marked', async () => {
    const data = await withInput('z.object({ user: z.string(), password: z.string().meta({ secret: true }).optional() })');
    expect(inputOf(data)).toMatchObject({ properties: { password: { type: 'string', secret: true } } });
  });
});

describe('what JSON Schema can not say is refused with its path', () => {
  test.each([
    ['z.string().transform((a) => a)', '', /pipe\(\)/],
    ['z.object({ a: z.array(z.string().trim()) })', '.a[]', /trim\(\)/],
    ['z.object({ a: z.string().toLowerCase() })', '.a', /toLowerCase\(\)/],
    ['z.object({ a: z.string().refine((a) => a !== "") })', '.a', /refine\(\)/],
    ['z.object({ a: z.string() }).superRefine(() => {})', '', /superRefine\(\)/],
    ['z.object({ a: z.number().check(() => {}) })', '.a', /check\(\)/],
    ['z.object({ a: z.string().check(z.property("length", z.number())) })', '.a', /property/],
    ['z.object({ a: z.coerce.number() })', '.a', /coercion/],
    ['z.object({ a: z.string().catch("x") })', '.a', /catch\(\)/],
    ['z.preprocess((a) => a, z.string())', '', /preprocess\(\)/],
    ['z.codec(z.string(), z.number(), { decode: Number, encode: String })', '', /codec\(\)/],
    ['z.stringbool()', '', /stringbool\(\)/],
    ['z.custom(() => true)', '', /custom\(\)/],
    ['z.instanceof(Error)', '', /instanceof\(\)/],
    ['z.object({ a: z.date() })', '.a', /iso\.datetime/],
    ['z.object({ a: z.bigint() })', '.a', /bigint/],
    ['z.map(z.string(), z.string())', '', /record/],
    ['z.set(z.string())', '', /array/],
    ['z.undefined()', '', /optional/],
    ['z.nan()', '', /NaN/],
    ['z.symbol()', '', /symbol/],
    ['z.file()', '', /base64/],
    ['z.promise(z.string())', '', /promise/],
    ['z.literal([undefined, "a"])', '', /undefined/],
    ['z.record(z.number(), z.string())', '', /keys/],
    ['z.object({ a: z.string().regex(/a/i) })', '.a', /flags "i"/],
    ['z.object({ a: z.string().regex(/(?=a)b/) })', '.a', /looks ahead/],
    ['z.object({ a: z.string().regex(/(a)\\1/) })', '.a', /linear time/],
    ['z.record(z.string().regex(/(?!a)b/), z.number())', '{key}', /looks ahead/],
    ['z.looseRecord(z.string().regex(/(?!a)b/), z.number())', '{(?!a)b}', /looks ahead/],
    ['z.object({ a: z.iso.duration() })', '.a', /duration/],
    ['z.emoji()', '', /emoji/],
    ['z.hostname()', '', /hostname/],
    ['z.jwt()', '', /jwt/],
    ['z.creditCard()', '', /credit_card/],
    ['z.stringFormat("own", () => true)', '', /own/],
    ['z.url({ protocol: /^https$/ })', '', /protocol/],
    ['z.url({ normalize: true })', '', /normalize/],
    ['z.string().includes("a", { position: 2 })', '', /position/],
    ['z.union([z.object({ a: z.number().default(1) }), z.string()])', '<0>.a', /default inside a union/],
    ['z.object({ a: z.object({ b: z.number().default(1) }).nullable() })', '.a<0>.b', /default inside a union/],
    ['z.object({ a: z.array(z.number().default(1)) })', '.a[]', /member of an object/],
    ['z.object({}).default({})', '', /member of an object/],
    ['z.string().meta({ pattern: "x" })', '', /meta\(\) knows/],
    ['z.string().meta({ secret: "yes" })', '', /secret/],
    [
      '(() => { const T = z.object({ s: z.string().meta({ secret: true }), get c() { return T.optional(); } }); return T; })()',
      '',
      /secrets/,
    ],
    ['"text"', '', /not a schema made with z/],
  ])('%s', async (input, path, message) => {
    const refusal = (await withInput(input).catch((error: unknown) => error)) as {
      code: string;
      details: { path: string; message: string }[];
    };
    expect(refusal.code).toBe('contract_invalid');
    expect(refusal.details[0]?.path).toBe(`exports.handle.input${path}`);
    expect(refusal.details[0]?.message).toMatch(message);
  });

  test('a default in an output', async () => {
    const text = `import { contract, z } from 'seed-agent/agent';
export default contract({ name: 'a', summary: '', exports: { handle: { kind: 'call', input: z.any(), output: z.object({ a: z.string().default('') }) } } });`;
    await expect(contract(text)).rejects.toMatchObject({
      code: 'contract_invalid',
      message: expect.stringContaining('exports.handle.output.a: a default is never filled into an output'),
    });
  });

  test('a schema that is its own alternative', async () => {
    await expect(withInput('(() => { const T = z.lazy(() => z.union([T, z.string()])); return T; })()')).rejects.toMatchObject({
      code: 'contract_invalid',
      message: expect.stringContaining('refers to itself'),
    });
  });
});

test('grants have defaults, and a contract without them has none', async () => {
  const { contract: data } = await withInput(
    'z.object({})',
    `capabilities: ['fetch', 'call'], grants: { fetch: { hosts: ['api.example.com', '*.example.org:8443'] }, call: { agents: ['b'] } },`,
  );
  expect(data.grants?.fetch).toEqual({
    hosts: ['api.example.com', '*.example.org:8443'],
    methods: ['GET', 'HEAD'],
    requests: 20,
    requestBytes: 65_536,
    responseBytes: 1_048_576,
    callBytes: 8_388_608,
    timeoutMs: 10_000,
  });
  expect(data.grants?.call).toEqual({ agents: ['b'], calls: 20, callBytes: 8_388_608, timeoutMs: 30_000 });
  expect((await withInput('z.object({})')).contract).not.toHaveProperty('grants');
});

test('the state has a version and a schema, or is not in the data at all', async () => {
  const rest = 'capabilities: ["state"], state: { version: 3, schema: z.strictObject({ n: z.int() }) }';
  const { contract: data } = await withInput('z.object({})', rest);
  expect(data.state).toMatchObject({
    version: 3,
    schema: { type: 'object', required: ['n'], additionalProperties: false },
  });
  expect(await withInput('z.object({})', 'capabilities: ["state"], state: {}')).toMatchObject({ contract: { state: { version: 1 } } });
  const { contract: without } = await withInput('z.object({})', 'capabilities: ["state"]');
  // As it was before states had versions: what is stored keeps its hash.
  expect(without).not.toHaveProperty('state');
});

describe('what is no contract is refused', () => {
  test.each([
    ['colour: 1', 'Unrecognized key: "colour"'],
    ['limits: { cpuMs: 1e9 }', 'limits.cpuMs: '],
    ['limits: { cpuMs: NaN }', 'limits.cpuMs: NaN is not JSON'],
    ['isolation: "none"', 'isolation: '],
    ['capabilities: ["fecth"]', 'capabilities[0]: there is no capability "fecth": did you mean fetch?'],
    ['capabilities: ["filesystem"]', 'capabilities[0]: there is no capability "filesystem": there are log, now'],
    ['capabilities: [1]', 'capabilities[0]: there is no capability 1: '],
    ['capabilities: ["fetch"]', 'grants.fetch.hosts: is missing'],
    ['capabilities: ["call"]', 'grants.call.agents: is missing'],
    ['grants: { fetch: { hosts: ["a.example"] } }', 'grants.fetch: is given, and capabilities does not list "fetch"'],
    ['capabilities: ["fetch"], grants: { fetch: {} }', 'grants.fetch.hosts: '],
    ['capabilities: ["fetch"], grants: { fetch: { hosts: [] } }', 'grants.fetch.hosts: fetch needs the hosts'],
    ['capabilities: ["fetch"], grants: { fetch: { hosts: ["a.example", "*"] } }', 'grants.fetch.hosts[1]: "*" is no host'],
    ['capabilities: ["fetch"], grants: { fetch: { hosts: ["127.0.0.1"] } }', 'grants.fetch.hosts[0]: "127.0.0.1" is a private'],
    ['capabilities: ["fetch"], grants: { fetch: { hosts: ["a.example"], methods: ["get"] } }', 'grants.fetch.methods[0]: '],
    ['capabilities: ["fetch"], grants: { fetch: { hosts: ["a.example"], proxy: "x" } }', 'grants.fetch: Unrecognized key: "proxy"'],
    ['capabilities: ["fetch"], grants: { fetch: { hosts: ["a.example"], responseBytes: 1e9 } }', 'grants.fetch.responseBytes: '],
    ['capabilities: ["call"], grants: { call: { agents: ["*"] } }', 'grants.call.agents[0]: '],
    ['grants: { write: {} }', 'grants: Unrecognized key: "write"'],
    ['state: { version: 2 }', 'state: describes a state that is not granted'],
    ['capabilities: ["state"], state: { version: 0 }', 'state.version: '],
    ['capabilities: ["state"], state: 2', 'state: '],
    ['capabilities: ["state"], state: { version: 2, codeChange: () => 1 }', 'state.codeChange: a function is not JSON'],
    ['capabilities: ["state"], state: { schema: z.number().transform((n) => n) }', 'state.schema: '],
    ['capabilities: ["state"], state: { schema: { type: "object" } }', 'state.schema: '],
    ['capabilities: ["state"], state: { schema: z.object({ n: z.int().default(1) }) }', 'state.schema.n: a default is never filled'],
    ['exports: { codeChange: { kind: "lifecycle" } }', 'exports.codeChange.name: is a name that every object has'],
    ['objective: { name: "x", direction: () => 1 }', 'objective.direction: a function is not JSON'],
    ['examples: [{ input: { a: "x" } }]', "examples[0].input: the input's a must be number"],
    ['examples: [{ input: { a: 1 }, output: { ok: 1 } }]', "examples[0].output: the output's ok must be boolean"],
    ['examples: [{ export: "other", input: {} }]', 'examples[0]: there is no export other'],
    ['name: "../a"', 'name: '],
    ['exports: {}', 'exports: '],
    ['exports: 1', 'exports: is not an object of functions'],
    ['exports: { handle: 1 }', 'exports.handle: is not an object with a kind'],
    ['exports: { handle: { kind: "stream" } }', 'exports.handle.kind: '],
    ['exports: { constructor: { kind: "lifecycle" } }', 'exports.constructor.name: is a name that every object has'],
    ['exports: { start: { kind: "lifecycle" } }', 'exports: there is nothing to call'],
    ['exports: { p: { kind: "evolvable", parameters: {} } }', 'exports.p.parameters: '],
    [
      'exports: { h: { kind: "call", input: z.any(), output: z.any() }, p: { kind: "evolvable", parameters: { a: { min: 1, max: 1 } } } }',
      'exports.p.parameters.a: min 1 is not below max 1',
    ],
  ])('%s', async (rest, message) => {
    await expect(withInput('z.object({ a: z.number() })', rest)).rejects.toMatchObject({
      code: 'contract_invalid',
      message: expect.stringContaining(`contract.ts: ${message}`),
    });
  });

  test.each([
    ['export default 1;', /no default export/],
    ['export const a = 1;', /no default export/],
    ['', /no default export/],
    [`import { contract } from 'seed-agent/agent';\nexport default contract(null as never);`, /no default export/],
    [
      `const a = 1;\nfunction boom(): never {\n  throw new TypeError('not today');\n}\nexport default boom();`,
      /^contract\.ts:3:9: not today$/,
    ],
  ])('case %#', async (text, message) => {
    await expect(contract(text)).rejects.toMatchObject({ code: 'contract_invalid', message: expect.stringMatching(message) });
  });

  test.each([
    '',
    'null',
    '{}',
    '[]',
    '{"contract":null}',
    '{"threw":{}}',
    '{"problems":[{}]}',
    'x',
    `{"contract":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
    '"' + 'x'.repeat(3_000_000) + '"',
    '{"contract":{"exports":[{"kind":"call","name":"x","input":{"$ref":"http://a"}}]}}',
  ])('a sandbox that answers case %#', async (answer) => {
    const bundle = await compiler.compileContract({ 'contract.ts': 'export default 1;' });
    await expect(contractFrom(bundle, () => Promise.resolve(answer))).rejects.toMatchObject({ code: 'contract_invalid' });
  });
});

describe('in a sandbox host', () => {
  test('a contract is evaluated, and one that never ends is ended', async () => {
    const host = await SandboxHost.start();
    try {
      const inHost: EvaluateScript = (request) => host.evaluateScript({ ...request, deadlineMs: 1_000 });
      const compile = (text: string) => compiler.compileContract({ 'contract.ts': text });
      const good = `import { contract, z } from 'seed-agent/agent';
export default contract({ name: 'a', summary: '', exports: { handle: { kind: 'call', input: z.object({ mail: z.email() }), output: z.url() } } });`;
      expect((await contractFrom(await compile(good), inHost)).contract.exports[0]).toMatchObject({
        kind: 'call',
        output: { format: 'uri' },
      });
      await expect(contractFrom(await compile('export default (() => { for (;;); })();'), inHost)).rejects.toMatchObject({
        code: 'contract_invalid',
        message: expect.stringContaining('could not be evaluated'),
      });
      await expect(contractFrom(await compile(`const a = 1;\nthrow new Error('boom');\nexport default a;`), inHost)).rejects.toMatchObject({
        code: 'contract_invalid',
        message: 'contract.ts:2:7: boom',
      });
    } finally {
      await host.close();
    }
  });
});
