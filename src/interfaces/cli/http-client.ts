// HTTP to one node, over TCP or its Unix socket. node:http, because fetch has no Unix sockets and starts slower.
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { SeedError } from '#lib/error.ts';
import type { HttpRequest } from './request.ts';

/** Where a node listens. */
export type NodeEndpoint = { url: string } | { socketPath: string };

export interface HttpClientOptions {
  endpoint: NodeEndpoint;
  token: string | undefined;
  userAgent: string;
  /** How long the connection itself may take. Default 5 s; the answer may take as long as it takes. */
  connectTimeoutMs?: number;
  /** What to say when nobody answers. */
  unreachable: (cause: unknown) => SeedError;
  /** Told of every request and answer: `--verbose`. */
  trace?: (line: string) => void;
}

export interface HttpResponse {
  status: number;
  header(name: string): string | undefined;
  /** The whole body. @throws SeedError `unavailable` when the connection breaks off. */
  text(): Promise<string>;
  /** The body as it comes. */
  chunks(): AsyncIterable<string>;
}

export interface HttpClient {
  /** @throws SeedError `unavailable` when nobody answers, `cancelled` when the signal says so. */
  send(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse>;
}

export function createHttpClient(options: HttpClientOptions): HttpClient {
  return {
    async send(request, signal) {
      const startedMs = performance.now();
      options.trace?.(`> ${request.method} ${describe(options.endpoint)}${request.path}`);
      const message = await exchange(options, request, signal);
      const status = message.statusCode ?? 0;
      const requestId = message.headers['x-request-id'];
      const id = typeof requestId === 'string' ? ` request ${requestId}` : '';
      options.trace?.(`< ${status} in ${(performance.now() - startedMs).toFixed(1)} ms${id}`);
      return responseOf(message, signal);
    },
  };
}

export function describe(endpoint: NodeEndpoint): string {
  return 'url' in endpoint ? endpoint.url : `unix:${endpoint.socketPath}:`;
}

async function exchange(options: HttpClientOptions, request: HttpRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const { endpoint, token } = options;
  const secure = 'url' in endpoint && endpoint.url.startsWith('https:');
  // Not by import: that reads every export, one of which (WebSocket) loads a second HTTP client, in 25 ms.
  const { request: open } = secure ? process.getBuiltinModule('node:https') : process.getBuiltinModule('node:http');
  const requestOptions: RequestOptions = {
    method: request.method,
    // One command, one connection: nothing is kept that would hold the process open.
    agent: false,
    signal,
    headers: {
      ...request.headers,
      'user-agent': options.userAgent,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(request.body === undefined ? {} : { 'content-length': String(Buffer.byteLength(request.body)) }),
    },
  };
  return await new Promise((resolve, reject) => {
    const outgoing =
      'url' in endpoint
        ? open(new URL(endpoint.url.replace(/\/$/, '') + request.path), requestOptions, resolve)
        : open({ ...requestOptions, socketPath: endpoint.socketPath, host: 'localhost', path: request.path }, resolve);
    limitConnect(outgoing, options.connectTimeoutMs ?? 5_000);
    outgoing.on('error', (cause) => reject(signal.aborted ? cancelled(cause) : options.unreachable(cause)));
    outgoing.end(request.body);
  });
}

function limitConnect(outgoing: ClientRequest, timeoutMs: number): void {
  const timer = setTimeout(() => outgoing.destroy(new Error(`no connection within ${timeoutMs} ms`)), timeoutMs);
  const stop = (): void => clearTimeout(timer);
  outgoing.on('socket', (socket) => {
    if (socket.connecting) socket.once('connect', stop);
    else stop();
  });
  outgoing.on('close', stop);
}

function responseOf(message: IncomingMessage, signal: AbortSignal): HttpResponse {
  message.setEncoding('utf8');
  async function* chunks(): AsyncGenerator<string, void, undefined> {
    try {
      for await (const chunk of message) yield chunk as string;
    } catch (cause) {
      if (signal.aborted) throw cancelled(cause);
      throw new SeedError('unavailable', 'the connection to the node broke off', {
        cause,
        hint: 'seed system:status shows whether it is back',
      });
    }
  }
  return {
    status: message.statusCode ?? 0,
    header: (name) => {
      const value = message.headers[name];
      return typeof value === 'string' ? value : value?.[0];
    },
    chunks,
    async text() {
      let text = '';
      for await (const chunk of chunks()) text += chunk;
      return text;
    },
  };
}

function cancelled(cause: unknown): SeedError {
  return new SeedError('cancelled', 'cancelled', { cause });
}
