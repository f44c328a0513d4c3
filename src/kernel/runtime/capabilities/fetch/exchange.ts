// One HTTP request and its answer, over a connection of its own to an address that was checked. No proxy of the environment, no
// cookies, no connection that is kept for the next one, who may be somebody else.
import http from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import type { LookupAddress } from 'node:dns';
import { SeedError } from '#lib/error.ts';
import { readBody } from './body.ts';

export interface ExchangeRequest {
  url: URL;
  method: string;
  /** Names in lower case. */
  headers: ReadonlyMap<string, string>;
  body: Buffer | null;
  addresses: readonly string[];
  /** Asked again of the address the socket says it has. */
  accepts: (address: string) => boolean;
  /** Of the unpacked body. */
  maxBytes: number;
  signal: AbortSignal;
}

export interface ExchangeResponse {
  status: number;
  /** In the order of their first coming. */
  headers: ReadonlyMap<string, string>;
  body: Buffer;
}

const MAX_HEADER_BYTES = 16_384;
const MAX_HEADERS = 128;
/** 103 Early Hints and their like, before the answer. */
const MAX_INTERIM = 8;

/** @throws SeedError `unavailable`, `payload_too_large`, `forbidden`; the signal's reason */
export async function exchange(request: ExchangeRequest): Promise<ExchangeResponse> {
  const { url, signal } = request;
  const connection = new AbortController();
  try {
    const response = await send(request, AbortSignal.any([signal, connection.signal]));
    // Also after nobody reads it any more.
    response.on('error', () => undefined);
    const headers = headersOf(response);
    const status = response.statusCode ?? 0;
    const isEmpty = request.method === 'HEAD' || status === 204 || status === 304 || headers.get('content-length') === '0';
    const encoding = headers.get('content-encoding') ?? '';
    return { status, headers, body: await readBody(response, { maxBytes: request.maxBytes, encoding, isEmpty, signal }) };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof SeedError) throw new SeedError(error.code, `ctx.fetch: ${url.host}: ${error.message}`, { cause: error });
    const { code = 'failed' } = error as NodeJS.ErrnoException;
    // The message may hold an address.
    throw new SeedError('unavailable', `ctx.fetch: ${url.host} gave no answer that can be used (${code})`, { cause: error });
  } finally {
    // Whatever became of it, nothing of it stays open.
    connection.abort();
  }
}

function send(request: ExchangeRequest, signal: AbortSignal): Promise<http.IncomingMessage> {
  const { url, method, headers, body } = request;
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  const { request: open } = url.protocol === 'https:' ? https : http;
  const literal = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  const sent = open({
    protocol: url.protocol,
    hostname: literal,
    port: url.port === '' ? undefined : url.port,
    path: `${url.pathname}${url.search}`,
    method,
    headers: { ...Object.fromEntries(headers), ...(body === null ? {} : { 'content-length': body.length }) },
    agent: false,
    lookup: pinned(request.addresses),
    maxHeaderSize: MAX_HEADER_BYTES,
    signal,
    // An address is no server name.
    ...(isIP(literal) === 0 ? { servername: literal.replace(/\.$/, '') } : {}),
  });
  let interim = 0;
  sent.on('information', () => {
    interim += 1;
    if (interim > MAX_INTERIM) sent.destroy(new SeedError('unavailable', `more than ${MAX_INTERIM} interim answers`));
  });
  sent.on('socket', (socket: Socket) => {
    socket.once('connect', () => {
      if (!request.accepts(socket.remoteAddress ?? '')) sent.destroy(new SeedError('forbidden', 'the connection went to another address'));
    });
  });
  sent.on('response', resolve);
  sent.on('error', reject);
  sent.on('close', () => reject(new SeedError('unavailable', 'the connection was closed')));
  sent.end(body ?? undefined);
  return promise;
}

/** Whatever is asked for, the answer is what was checked. */
function pinned(addresses: readonly string[]): LookupFunction {
  const answers: LookupAddress[] = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_hostname, options, callback) => {
    const [first] = answers;
    if (options.all === true || first === undefined) callback(null, answers);
    else callback(null, first.address, first.family);
  };
}

/** @throws SeedError `unavailable` */
function headersOf({ rawHeaders }: http.IncomingMessage): ReadonlyMap<string, string> {
  if (rawHeaders.length / 2 > MAX_HEADERS)
    throw new SeedError('unavailable', `${rawHeaders.length / 2} headers, at most ${MAX_HEADERS} are taken`);
  const headers = new Map<string, string>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] as string).toLowerCase();
    const before = headers.get(name);
    headers.set(name, before === undefined ? (rawHeaders[index + 1] as string) : `${before}, ${rawHeaders[index + 1]}`);
  }
  return headers;
}
