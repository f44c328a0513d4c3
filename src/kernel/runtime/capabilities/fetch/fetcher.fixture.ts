// An agent that hands on to ctx.fetch whatever it is given, in a real isolate, and servers on this machine for it to ask.
import { createServer as createHttp, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTcp, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { SandboxHost } from '../../../sandbox/sandbox-host.ts';
import { startAgents, type AgentBench, type GivenAgent } from '../agents.fixture.ts';
import { Policy, policySchema } from '../policy.ts';
import { fetchCapability } from './fetch.ts';

export const FETCHER = `async handle(input, ctx) {
  try { return await ctx.fetch(input.url, input.options); }
  catch (error) { return { name: error.name, code: error.code, message: error.message }; }
}`;

type Answer = Record<string, unknown> & {
  code?: string;
  message?: string;
  text?: string;
  status?: number;
  headers?: Record<string, string>;
};

interface Bench extends AgentBench {
  fetch: (url: string, options?: object) => Promise<Answer>;
  /** Names that were asked for. */
  asked: string[];
}

interface Given {
  hosts?: readonly string[];
  grant?: object;
  /** Addresses of a name, one list after the other. */
  names?: Readonly<Record<string, readonly (readonly string[])[]>>;
  allowed?: readonly string[];
  policy?: object;
  secrets?: Readonly<Record<string, string>>;
  agent?: Partial<GivenAgent>;
  /** One that the test may kill. */
  ownHost?: boolean;
}

/** One for all tests of a file. */
let host: SandboxHost;
export function useHost(): void {
  beforeAll(async () => {
    host = await SandboxHost.start();
  });
  afterAll(() => host.close());
}

export async function startFetcher(given: Given = {}): Promise<Bench> {
  const asked: string[] = [];
  const policy = new Policy(policySchema.parse({ policy: 1, fetch: { allow_private: given.allowed ?? [] }, ...given.policy }), {
    secret: (name) => given.secrets?.[name],
    where: () => 'policy.json:1',
  });
  const resolve = async (name: string): Promise<readonly string[]> => {
    asked.push(name);
    const answers = given.names?.[name] ?? [];
    const times = asked.filter((other) => other === name).length;
    const found = answers[Math.min(times, answers.length) - 1];
    if (found === undefined) throw Object.assign(new Error('no'), { code: 'ENOTFOUND' });
    return found;
  };
  const grants = {
    fetch: { hosts: given.hosts ?? ['api.example'], methods: ['GET', 'HEAD', 'POST', 'PUT'], requests: 100, ...given.grant },
  };
  const bench = await startAgents(
    { fetcher: { body: FETCHER, capabilities: ['fetch'], grants, ...given.agent } },
    { capabilities: () => [fetchCapability({ policy, resolve })], policy, ...(given.ownHost === true ? {} : { hosts: [host] }) },
  );
  return {
    ...bench,
    asked,
    fetch: (url, options) => bench.call('fetcher', { url, ...(options === undefined ? {} : { options }) }) as Promise<Answer>,
  };
}

/** A server on loopback; agents reach it as `api.example:port`, which is granted and allowed. */
export async function serve(
  listener: RequestListener,
  given: Given = {},
): Promise<Bench & { port: number; url: string; seen: IncomingMessage[] }> {
  const seen: IncomingMessage[] = [];
  const server = createHttp((request, response) => {
    seen.push(request);
    listener(request, response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const bench = await startFetcher({
    hosts: [`api.example:${port}`, `other.example:${port}`],
    allowed: [`127.0.0.1:${port}`],
    names: { 'api.example': [['127.0.0.1']], 'other.example': [['127.0.0.1']] },
    ...given,
  });
  return { ...bench, port, url: `http://api.example:${port}`, seen };
}

/** As `serve`, with the bytes of the answer in our own hands. */
export async function serveRaw(answer: (socket: Socket) => void, given: Given = {}): Promise<Bench & { url: string }> {
  const sockets = new Set<Socket>();
  const server = createTcp((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => answer(socket));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const bench = await startFetcher({
    hosts: [`api.example:${port}`],
    allowed: [`127.0.0.1:${port}`],
    names: { 'api.example': [['127.0.0.1']] },
    ...given,
  });
  return { ...bench, url: `http://api.example:${port}` };
}
