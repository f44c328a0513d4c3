// The listeners of a node. They are bound before the node is ready, so that whoever asks is told to wait instead of being
// refused; and closed in order: no new requests, streams ended, what is in flight brought to its end.
import { chmodSync, unlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { SeedError } from '#lib/error.ts';
import { dataHeaders, failure, JSON_TYPE } from './answer.ts';
import { createApp, type NodeApp, type NodeDoor } from './app.ts';
import { createProbeApp } from './probe-app.ts';
import { sessionCookie } from './cookie.ts';
import { createGuard, type Guard } from './guard.ts';
import { requestIdOf } from './request-id.ts';

export interface HttpServerOptions {
  /** Of the program, for OpenAPI. */
  version: string;
  /** Where people reach the node, behind a proxy; https makes cookies secure. */
  publicUrl?: string | undefined;
  /** Default 4 MB. */
  maxBodyBytes?: number;
  /** Between two signs of life of a stream. Default 15 s. */
  heartbeatMs?: number;
  /** A request must have arrived whole within this time. Default 60 s. */
  requestTimeoutMs?: number;
  nowMs?: () => number;
}

export interface TcpAddress {
  host: string;
  port: number;
}

/** Bind with `listen` and `listenSocket`, answer from `open` on, end with `close`. */
export class HttpServer<Ports> {
  readonly #options: HttpServerOptions;
  readonly #servers: Server[] = [];
  readonly #closing = new AbortController();
  #guard: Guard;
  #port = 0;
  #app: NodeApp | undefined;
  #probes: NodeApp | undefined;
  #forget: (() => void) | undefined;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#guard = createGuard({ host: 'localhost', publicUrl: options.publicUrl });
  }

  /** Before `open`. @param port 0: a free one. @throws SeedError `configuration` when the address is taken or not ours to take */
  async listen({ host, port }: TcpAddress): Promise<TcpAddress> {
    const server = this.#createServer();
    await bound(server, () => server.listen({ host, port }), { where: `${host}:${port}` });
    this.#guard = createGuard({ host, publicUrl: this.#options.publicUrl });
    this.#port = (server.address() as AddressInfo).port;
    return { host, port: this.#port };
  }

  /**
   * For the command line of this machine's user: readable by nobody else. Whoever calls owns the folder: a socket left
   * there by a process that is gone is replaced.
   */
  async listenSocket(path: string): Promise<void> {
    checkSocketPath(path);
    try {
      unlinkSync(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    const server = this.#createServer();
    // Made with these rights, not given them later: in between somebody could connect.
    const before = process.umask(0o177);
    let listening: Promise<void>;
    try {
      listening = bound(server, () => server.listen({ path }), { where: path });
    } finally {
      process.umask(before);
    }
    await listening;
    chmodSync(path, 0o600);
  }

  /** Health and metrics alone, without authentication: for probes and scrapers on a private network. */
  async listenProbes({ host, port }: TcpAddress): Promise<TcpAddress> {
    const server = this.#createServer((request, env) => this.#answerProbe(request, env));
    await bound(server, () => server.listen({ host, port }), {
      where: `${host}:${port}`,
      hint: 'set METRICS_PORT or HOST to another one; METRICS_PORT=off does without',
    });
    return { host, port: (server.address() as AddressInfo).port };
  }

  /** From now on requests are answered. @throws SeedError `configuration` when two routes are in each other's way */
  open(door: NodeDoor<Ports>): void {
    const make = (): NodeApp => createApp({ ...door, ...this.#settings() });
    this.#app = make();
    this.#probes = createProbeApp(door, this.#settings());
    this.#forget = door.registry.onChange(() => {
      this.#app = make();
    });
  }

  /**
   * Stops accepting, ends streams (their readers resume elsewhere), and waits for what is in flight, at most `drainMs`.
   * @returns whether everything came to its own end
   */
  async close({ drainMs }: { drainMs: number }): Promise<boolean> {
    this.#forget?.();
    this.#closing.abort();
    let drained = true;
    const limit = setTimeout(() => {
      drained = false;
      for (const server of this.#servers) server.closeAllConnections();
    }, drainMs);
    await Promise.all(this.#servers.map((server) => closed(server)));
    clearTimeout(limit);
    return drained;
  }

  #settings() {
    const { version, publicUrl, maxBodyBytes = 4_194_304, heartbeatMs = 15_000, nowMs = Date.now } = this.#options;
    const cookie = sessionCookie(this.#port, publicUrl?.startsWith('https:') === true);
    return { version, maxBodyBytes, heartbeatMs, nowMs, cookie, guard: this.#guard, closing: this.#closing.signal };
  }

  #createServer(answer: Answer = (request, env) => this.#answer(request, env)): Server {
    const { requestTimeoutMs = 60_000 } = this.#options;
    const listener = getRequestListener((request, env) => answer(request, env as HttpBindings), {
      errorHandler: (cause) => failure(new SeedError('bad_request', 'the request can not be read', { cause }), 'unreadable'),
    });
    const server = createServer(
      { requestTimeout: requestTimeoutMs, headersTimeout: 10_000, keepAliveTimeout: 65_000 },
      (incoming, outgoing) => {
        void listener(incoming, outgoing);
      },
    );
    this.#servers.push(server);
    return server;
  }

  #answerProbe(request: Request, env: HttpBindings): Response | Promise<Response> {
    const { incoming } = env;
    if (isLiveness(incoming)) return alive(incoming);
    // A node that drains still tells how it is.
    return this.#probes === undefined ? starting(incoming) : this.#probes.fetch(request, env);
  }

  #answer(request: Request, env: HttpBindings): Response | Promise<Response> {
    const { incoming } = env;
    // Touches nothing: what it says is that this process can answer.
    if (isLiveness(incoming)) return alive(incoming);
    if (this.#closing.signal.aborted) return unavailable(incoming, 'the node is stopping', { connection: 'close' });
    if (this.#app === undefined) return starting(incoming);
    // A probe uses whatever address it has, and learns nothing that a name could protect.
    if (incoming.url !== '/health/deep') {
      try {
        this.#guard.checkHost(incoming);
      } catch (error) {
        return failure(error, requestIdOf(incoming));
      }
    }
    return this.#app.fetch(request, env);
  }
}

/** The system takes no longer ones. @throws SeedError `configuration` */
export function checkSocketPath(path: string): void {
  if (Buffer.byteLength(path) <= 100) return;
  throw new SeedError('configuration', `the path of the socket is too long for the system: ${path}`, { hint: 'choose a shorter DATA_DIR' });
}

type Answer = (request: Request, env: HttpBindings) => Response | Promise<Response>;

const ALIVE = '{"status":"ok"}';

function isLiveness({ url, method }: IncomingMessage): boolean {
  return url === '/health' && (method === 'GET' || method === 'HEAD');
}

function alive(incoming: IncomingMessage): Response {
  return new Response(incoming.method === 'HEAD' ? null : ALIVE, { headers: { 'content-type': JSON_TYPE, 'cache-control': 'no-store' } });
}

function starting(incoming: IncomingMessage): Response {
  if (incoming.url !== '/health/deep') return unavailable(incoming, 'the node is starting');
  const headers = { ...dataHeaders(requestIdOf(incoming), 'application/health+json'), 'retry-after': '1' };
  return new Response('{"status":"starting"}', { status: 503, headers });
}

function unavailable(incoming: IncomingMessage, message: string, extra: Readonly<Record<string, string>> = {}): Response {
  return failure(new SeedError('unavailable', message, { retryAfterMs: 1_000 }), requestIdOf(incoming), extra);
}

const TRY_ANOTHER = 'set PORT or HOST to another one; PORT=0 takes a free port';

async function bound(server: Server, listen: () => void, { where, hint = TRY_ANOTHER }: { where: string; hint?: string }): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.once('listening', resolve);
  listen();
  try {
    await promise;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why =
      code === 'EADDRINUSE'
        ? 'is in use by another process'
        : code === 'EACCES'
          ? 'needs rights that this user does not have'
          : `can not be used (${code})`;
    throw new SeedError('configuration', `${where} ${why}`, { cause, hint });
  } finally {
    server.off('error', reject);
  }
}

/** Resolves when the last connection has ended; those that wait for a next request are ended at once, and again and again. */
async function closed(server: Server): Promise<void> {
  if (!server.listening) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  const idle = setInterval(() => server.closeIdleConnections(), 20);
  await promise;
  clearInterval(idle);
}
