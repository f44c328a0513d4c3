// A node's door with the fixture's operations behind it, for the tests of this surface: a real listener on a free port.
import { request as open, type IncomingMessage, type RequestOptions } from 'node:http';
import { text } from 'node:stream/consumers';
import type { ActivityEntry } from '#operation/activity.ts';
import type { Authenticator } from '#operation/authenticator.ts';
import { garden, gardenOperations, type GardenPorts } from '#operation/fixture.ts';
import { createGate, type GateProblem } from '#operation/gate.ts';
import type { Principal } from '#operation/principal.ts';
import { createRegistry, type Registry } from '#operation/registry.ts';
import { HttpServer, type HttpServerOptions } from './http-server.ts';
import type { Page } from './page.ts';

export const TOKEN = 'token-of-the-gardener';
const gardener: Principal = { kind: 'user', id: 'gardener', roles: ['admin'], scopes: ['*'] };
const visitor: Principal = { kind: 'user', id: 'visitor', roles: [], scopes: ['pots:read'] };

/** The port's in-process adapter: one link, sessions in a set. */
export function memoryAuthenticator(): Authenticator & { links: Set<string>; sessions: Set<string> } {
  const [links, sessions] = [new Set(['link-1']), new Set<string>()];
  const begin = (): { secret: string; expiresAtMs: number } => {
    const secret = `session-${sessions.size + 1}`;
    sessions.add(secret);
    return { secret, expiresAtMs: Date.now() + 3_600_000 };
  };
  return {
    links,
    sessions,
    bearer: (token) => (token === TOKEN ? gardener : token === 'visitor' ? visitor : null),
    session: async (secret) => (sessions.has(secret) ? gardener : null),
    linkIsOpen: (secret) => links.has(secret),
    redeemLink: async (secret) => (links.delete(secret) ? begin() : null),
    redeemToken: async (token) => (token === TOKEN ? begin() : null),
    signOut: async (secret) => void sessions.delete(secret),
  };
}

export interface Reply {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
  json(): Record<string, unknown>;
}

export interface Door extends AsyncDisposable {
  server: HttpServer<GardenPorts>;
  registry: Registry<GardenPorts>;
  ports: GardenPorts;
  authenticator: ReturnType<typeof memoryAuthenticator>;
  entries: ActivityEntry[];
  problems: GateProblem[];
  port: number;
  open(pages?: readonly Page[]): void;
  /** As the gardener, unless headers say otherwise; an object is sent as JSON. */
  ask(method: string, path: string, options?: { headers?: Record<string, string>; body?: unknown; stranger?: boolean }): Promise<Reply>;
  /** The response as it comes. */
  stream(path: string, options?: { headers?: Record<string, string>; signal?: AbortSignal }): Promise<IncomingMessage>;
}

export async function openDoor(options: Partial<HttpServerOptions> & { closed?: boolean } = {}): Promise<Door> {
  const server = new HttpServer<GardenPorts>({ version: '0.0.0', ...options });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  const ports = garden();
  const registry = createRegistry<GardenPorts>(gardenOperations);
  const entries: ActivityEntry[] = [];
  const problems: GateProblem[] = [];
  const activity = { append: async (entry: ActivityEntry) => void entries.push(entry) };
  const gate = createGate({ ports, activity, report: (problem) => problems.push(problem) });
  const authenticator = memoryAuthenticator();
  const door: Door = {
    server,
    registry,
    ports,
    authenticator,
    entries,
    problems,
    port,
    open: (pages = []) => server.open({ registry, gate, authenticator, pages }),
    async ask(method, path, { headers = {}, body, stranger = false } = {}) {
      const payload = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
      const response = await send(
        {
          port,
          method,
          path,
          headers: {
            ...(stranger ? {} : { authorization: `Bearer ${TOKEN}` }),
            ...(payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(payload)) }),
            ...headers,
          },
        },
        payload,
      );
      return replyOf(response);
    },
    stream: (path, { headers = {}, signal } = {}) =>
      send({ port, path, headers: { authorization: `Bearer ${TOKEN}`, ...headers }, ...(signal === undefined ? {} : { signal }) }),
    [Symbol.asyncDispose]: async () => void (await server.close({ drainMs: 0 })),
  };
  if (options.closed !== true) door.open();
  return door;
}

/** node:http and not fetch: it sends any Host, any Origin, and does not follow. */
export function send(options: RequestOptions, body?: string | Buffer): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = open({ host: '127.0.0.1', agent: false, ...options }, resolve);
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

export async function replyOf(response: IncomingMessage): Promise<Reply> {
  const body = await text(response);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text: body,
    json: () => JSON.parse(body) as Record<string, unknown>,
  };
}
