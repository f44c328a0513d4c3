// For the tests of the command line: a real node's door (HTTP, gate and registry as they are) with a garden behind it, and
// the command line itself, in a process of its own or before a terminal that the test holds in its hand.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { z } from 'zod';
import { SeedError } from '#lib/error.ts';
import { runCommand, spawnProcess, type ChildHandle } from '#lib/process.ts';
import { garden, gardenOperations, type GardenPorts } from '#operation/fixture.ts';
import { createGate, type GateProblem } from '#operation/gate.ts';
import { operation, type Operation, type OperationContext } from '#operation/operation.ts';
import type { Principal } from '#operation/principal.ts';
import { paginate } from '#operation/page.ts';
import { catalogueOf } from '#operation/catalogue.ts';
import { createRegistry, type Registry } from '#operation/registry.ts';
import { HttpServer } from '../http/http-server.ts';
import { fetchCatalogue } from './catalogue-file.ts';
import { connect } from './connect.ts';
import { runCli } from './run.ts';

const TOKEN = 'garden-admin-token';

export interface FixturePorts extends GardenPorts {
  registry: Registry<FixturePorts>;
}

type Context = OperationContext<FixturePorts>;

const permission = { resource: 'pots', action: 'write' };
const progressItem = z.object({
  seq: z.int(),
  message: z.string(),
  progress: z.number().optional(),
  summary: z.record(z.string(), z.unknown()).optional(),
  error: z.object({ code: z.string(), message: z.string(), hint: z.string() }).optional(),
});

/** Started by `pots:grow`, watched by its flag `--follow`. */
const progress: Operation<FixturePorts> = operation({
  name: 'pots:progress',
  summary: 'growth of a pot for people',
  kind: 'read',
  stream: true,
  eventId: 'seq',
  permission,
  input: z.object({ growthId: z.string(), delayMs: z.int().default(0) }),
  output: progressItem,
  http: { method: 'GET', path: '/api/growths/:growthId/events' },
  cli: { positionals: ['growthId'], live: 'line' },
  examples: [],
  handler:
    async () =>
    (input, { signal }: Context) =>
      (async function* show() {
        for (let seq = 1; seq <= 4; seq += 1) {
          if (input.delayMs > 0) await sleep(input.delayMs, undefined, { signal });
          yield { seq, message: `leaf ${seq}`, progress: seq / 4 };
        }
        if (input.growthId === 'frozen') {
          yield { seq: 5, message: 'it froze', error: { code: 'invalid_state', message: 'the plant froze', hint: 'take it inside' } };
        } else yield { seq: 5, message: 'grown', summary: { pot: input.growthId, leaves: 4, height_cm: 12.5 } };
      })(),
});

const grow: Operation<FixturePorts> = operation({
  name: 'pots:grow',
  summary: 'let a plant grow',
  kind: 'write',
  permission,
  input: z.object({ potId: z.string() }),
  output: z.object({ growthId: z.string(), state: z.string() }),
  http: { method: 'POST', path: '/api/pots/:potId/growths', status: 202 },
  cli: { positionals: ['potId'], short: { potId: 'p' }, watch: { operation: 'pots:progress', input: { growthId: 'growthId' } } },
  examples: [{ summary: 'watch it', input: { potId: 'p1', follow: true } }],
  handler: async () => (input) => ({ growthId: input.potId, state: 'queued' }),
});

const label: Operation<FixturePorts> = operation({
  name: 'pots:label',
  summary: 'files and values of every kind, sent back',
  kind: 'write',
  permission,
  input: z.object({
    text: z.string().optional(),
    count: z.int().min(1).max(9).optional(),
    ratio: z.number().optional(),
    dry: z.boolean().default(true),
    colours: z.array(z.string()).optional(),
    size: z.enum(['small', 'large']).optional(),
    meta: z.record(z.string(), z.unknown()).optional(),
    anything: z.json().optional(),
    sources: z.record(z.string(), z.string()).optional(),
  }),
  output: z.record(z.string(), z.unknown()),
  http: { method: 'POST', path: '/api/labels' },
  cli: { upload: { sources: 'folder' }, short: { text: 'h', count: 'f' } },
  examples: [],
  handler: async () => (input) => input,
});

const list: Operation<FixturePorts> = operation({
  name: 'cli:list',
  summary: 'operations of this node',
  kind: 'read',
  permission,
  input: z.object({}),
  output: z.looseObject({}),
  http: { method: 'GET', path: '/api/operations' },
  list: { fields: { name: 'string' }, search: ['name'], defaultSort: 'name', defaultLimit: 100 },
  examples: [],
  handler:
    async () =>
    (input, { ports }: Context) =>
      paginate(catalogueOf(ports.registry.list()), input, { fields: { name: 'string' }, search: ['name'], defaultSort: 'name' }),
});

export interface GardenNode {
  dataDir: string;
  url: string;
  ports: FixturePorts;
  problems: readonly GateProblem[];
  [Symbol.asyncDispose](): Promise<void>;
}

/** A node with its files in a data folder of its own. @param socket instead of a TCP port */
export async function startGarden({ socket = false } = {}): Promise<GardenNode> {
  const dataDir = await mkdtemp(join(tmpdir(), 'seed-cli-'));
  const registry = createRegistry<FixturePorts>([...gardenOperations, progress, grow, label, list]);
  const ports = { ...garden(), registry };
  const problems: GateProblem[] = [];
  const gate = createGate({ ports, activity: { append: async () => undefined }, report: (problem) => problems.push(problem) });
  const admin: Principal = { kind: 'token', id: 'admin', roles: ['admin'], scopes: ['*'] };
  const guest: Principal = { kind: 'token', id: 'guest', roles: [], scopes: [] };
  const nobody = async (): Promise<null> => null;
  const server = new HttpServer<FixturePorts>({ version: '0.0.0', heartbeatMs: 1_000 });
  let url = '';
  if (socket) await server.listenSocket(join(dataDir, 'seed.sock'));
  else {
    const { host, port } = await server.listen({ host: '127.0.0.1', port: 0 });
    url = `http://${host}:${port}`;
  }
  server.open({
    registry,
    gate,
    authenticator: {
      bearer: (token) => (token === TOKEN ? admin : token === 'guest-token' ? guest : null),
      session: nobody,
      linkIsOpen: () => false,
      redeemLink: nobody,
      redeemToken: nobody,
      signOut: async () => undefined,
    },
  });
  const file = {
    url: socket ? null : url,
    socket: socket ? join(dataDir, 'seed.sock') : null,
    pid: process.pid,
    started_at: new Date().toISOString(),
    version: '0.0.0',
  };
  await writeFile(join(dataDir, 'node.json'), JSON.stringify(file));
  await writeFile(join(dataDir, 'admin.token'), `${TOKEN}\n`, { mode: 0o600 });
  return {
    dataDir,
    url,
    ports,
    problems,
    async [Symbol.asyncDispose]() {
      if (!(await server.close({ drainMs: 2_000 }))) throw new SeedError('internal', 'a request of the test never ended');
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

const CLI = join(import.meta.dirname, '../../cli.ts');

export interface SeedOptions {
  /** Where the node's files are; undefined: settings by `env` alone. */
  node?: GardenNode | undefined;
  env?: Readonly<Record<string, string>>;
  input?: string;
  cwd?: string;
}

/** The program in a process of its own, without a terminal. */
export async function seed(args: readonly string[], { node, env = {}, input, cwd = tmpdir() }: SeedOptions = {}) {
  const { code, stdout, stderr } = await runCommand(process.execPath, [CLI, ...args], {
    env: { ...(node === undefined ? {} : { DATA_DIR: node.dataDir }), ...env },
    cwd,
    timeoutMs: 30_000,
    ...(input === undefined ? {} : { input }),
  });
  return { code, stdout, stderr };
}

/** The same, left running. */
export function startSeed(args: readonly string[], node: GardenNode): ChildHandle {
  return spawnProcess(process.execPath, [CLI, ...args], { env: { DATA_DIR: node.dataDir }, cwd: tmpdir() });
}

export interface InProcessOptions {
  node: GardenNode;
  /** SEED_URL and SEED_TOKEN. */
  url?: string;
  token?: string;
  input?: string;
  /** What a person at a terminal types, each time a question is waiting. Default: there is no terminal. */
  answers?: readonly string[];
  columns?: number;
}

/** The command line within this process: quick, and before a terminal if the test wants one. */
export async function seedHere(args: readonly string[], { node, url, token, input = '', answers, columns = 80 }: InProcessOptions) {
  const isTTY = answers !== undefined;
  const stream = () => Object.assign(new PassThrough(), { isTTY, columns });
  const [stdin, stdout, stderr] = [stream(), stream(), stream()];
  const shown = { stdout: '', stderr: '' };
  const left = [...(answers ?? [])];
  stdout.setEncoding('utf8').on('data', (text: string) => (shown.stdout += text));
  stderr.setEncoding('utf8').on('data', (text: string) => {
    shown.stderr += text;
    if (stripVTControlCharacters(text).endsWith(': ') && left.length > 0) stdin.write(left.shift());
  });
  if (!isTTY) stdin.end(input);
  const settings = { dataDir: node.dataDir, url, token };
  const { signal } = new AbortController();
  const code = await runCli(args, {
    terminal: { stdin, stdout, stderr },
    version: '0.0.0',
    signal,
    catalogue: () => catalogueOf(node.ports.registry.list()),
    connect: (trace) => connect(settings, { version: '0.0.0', trace }),
    remoteCatalogue: async () => await fetchCatalogue(await connect(settings, { version: '0.0.0' }), signal),
    local: async () => 'done here',
  });
  return { code, ...shown, unanswered: left.length };
}
