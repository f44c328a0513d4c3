// What an agent asks ctx.fetch for, checked: nothing in it has been believed before.
import { z } from 'zod';
import { SeedError } from '#lib/error.ts';
import { FETCH_METHODS, type FetchGrant } from '../../../compiler/grants.ts';

export interface FetchRequest {
  url: URL;
  method: string;
  /** Names in lower case. */
  headers: ReadonlyMap<string, string>;
  body: Buffer | null;
  redirect: 'follow' | 'manual' | 'error';
  as: 'text' | 'base64';
  timeoutMs: number;
}

const optionsSchema = z.strictObject({
  method: z.enum(FETCH_METHODS).default('GET'),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.union([z.string(), z.strictObject({ base64: z.base64() })]).nullish(),
  redirect: z.enum(['follow', 'manual', 'error']).default('follow'),
  as: z.enum(['text', 'base64']).default('text'),
  timeoutMs: z.int().min(1).optional(),
});

/** Of the connection, which is ours; with them a request could be smuggled into another, or answers come that nobody unpacks. */
const OURS = new Set([
  ...['accept-encoding', 'connection', 'content-length', 'expect', 'host', 'http2-settings', 'keep-alive'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade', 'via'],
]);

const MAX_HEADERS = 64;
const MAX_URL = 8_192;
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;
/** Printable ASCII, and no space at the ends. */
const HEADER_VALUE = /^(?:[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?)?$/;

/** @throws SeedError `invalid_input`, `forbidden` for a method that is not granted, `payload_too_large` */
export function fetchRequest(args: unknown, grant: FetchGrant): FetchRequest {
  const [address, given] = Array.isArray(args) ? (args as unknown[]) : [];
  if (typeof address !== 'string') throw wrong('the first argument is no URL');
  const parsed = optionsSchema.safeParse(given ?? {});
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = issue?.path.map(String).join('.') ?? '';
    throw wrong(`options${path === '' ? '' : `.${path}`}: ${issue?.message ?? 'wrong'}`);
  }
  const { method, headers, body, redirect, as, timeoutMs } = parsed.data;
  if (!grant.methods.includes(method)) {
    throw new SeedError('forbidden', `ctx.fetch: the contract grants ${grant.methods.join(', ')}, not ${method}`);
  }
  const bytes =
    body === null || body === undefined ? null : typeof body === 'string' ? Buffer.from(body) : Buffer.from(body.base64, 'base64');
  if (bytes !== null && (method === 'GET' || method === 'HEAD')) throw wrong(`${method} has no body`);
  const checked = checkHeaders(headers);
  const sizeBytes = [...checked].reduce((sum, [name, value]) => sum + name.length + value.length + 4, bytes?.length ?? 0);
  if (sizeBytes > grant.requestBytes) {
    const message = `ctx.fetch: headers and body have ${sizeBytes} bytes, the contract grants ${grant.requestBytes}`;
    throw new SeedError('payload_too_large', message);
  }
  const url = fetchUrl(address);
  return { url, method, headers: checked, body: bytes, redirect, as, timeoutMs: Math.min(timeoutMs ?? grant.timeoutMs, grant.timeoutMs) };
}

/** @throws SeedError `invalid_input` */
export function fetchUrl(text: string, base?: URL): URL {
  const shown = JSON.stringify(text.slice(0, 100));
  if (text.length > MAX_URL) throw wrong(`the URL has ${text.length} characters, at most ${MAX_URL} are taken`);
  let url: URL;
  try {
    url = new URL(text, base);
  } catch {
    throw wrong(`${shown} is no URL`);
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw wrong(`${shown} is neither http nor https`);
  if (url.username !== '' || url.password !== '') throw wrong('the URL holds a user name or a password: send it in a header');
  url.hash = '';
  return url;
}

function checkHeaders(given: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const [given_, value] of Object.entries(given)) {
    const name = given_.toLowerCase();
    const shown = JSON.stringify(given_.slice(0, 80));
    if (!HEADER_NAME.test(name)) throw wrong(`${shown} is no name of a header`);
    if (OURS.has(name) || name.startsWith('proxy-')) throw wrong(`the header ${shown} belongs to the connection and is not yours to set`);
    if (!HEADER_VALUE.test(value)) throw wrong(`the header ${shown} has a value that is not plain ASCII text`);
    if (headers.has(name)) throw wrong(`the header ${shown} is there twice`);
    headers.set(name, value);
  }
  if (headers.size > MAX_HEADERS) throw wrong(`${headers.size} headers, at most ${MAX_HEADERS} are sent`);
  return headers;
}

function wrong(message: string): SeedError {
  return new SeedError('invalid_input', `ctx.fetch: ${message}`);
}
