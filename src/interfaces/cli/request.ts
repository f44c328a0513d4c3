// One operation with its input as an HTTP request. Pure: what is sent can be looked at.
import { SeedError } from '#lib/error.ts';
import type { CatalogueEntry } from '#operation/catalogue-entry.ts';
import type { Input } from './input.ts';

export interface HttpRequest {
  method: string;
  /** Path and query. */
  path: string;
  headers: Readonly<Record<string, string>>;
  body?: string;
}

export interface RequestOptions {
  /** The operation is dangerous, and the user has agreed. */
  confirmed?: boolean;
  dryRun?: boolean;
  idempotencyKey?: string | undefined;
  /** An answer that comes while it is made is taken so. */
  events?: boolean;
  /** Of a stream: the last item that was seen. */
  lastEventId?: string | undefined;
}

/** @throws SeedError `bad_request` when a member of the path is missing, `unavailable` when HTTP does not reach it. */
export function requestFor(entry: CatalogueEntry, input: Input, options: RequestOptions = {}): HttpRequest {
  const { method, path } = entry;
  if (method === undefined || path === undefined) {
    throw new SeedError('unavailable', `${entry.name} can not be asked of a node`);
  }
  const rest = { ...input };
  const filled = path.replace(/:([a-z0-9_]+)/g, (_, member: string) => {
    const value = rest[member] ?? entry.flags.find((flag) => flag.member === member)?.default;
    delete rest[member];
    if (value === undefined || value === '') throw new SeedError('bad_request', `${entry.name} needs --${member.replaceAll('_', '-')}`);
    return encodeURIComponent(typeof value === 'string' ? value : JSON.stringify(value));
  });
  // Whether it streams is for who shows it to say, not for a flag.
  if (entry.dialect === 'openai') Object.assign(rest, options.events === true ? STREAMED : { stream: false, stream_options: undefined });
  const either = entry.events === true && options.events === true;
  const accept = entry.stream === true ? 'text/event-stream' : either ? 'application/json, text/event-stream' : 'application/json';
  const headers: Record<string, string> = { accept };
  if (options.confirmed === true && entry.kind === 'dangerous') headers['x-confirm'] = entry.name;
  if (options.idempotencyKey !== undefined) headers['idempotency-key'] = options.idempotencyKey;
  if (options.lastEventId !== undefined) headers['last-event-id'] = options.lastEventId;
  if (options.dryRun === true) headers['x-dry-run'] = 'true';
  if (method === 'GET' || method === 'DELETE') return { method, path: filled + queryOf(rest), headers };
  return { method, path: filled, headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(rest) };
}

const STREAMED = { stream: true, stream_options: { include_usage: true } };

/** Lists are repeated; what is nested goes as JSON. */
function queryOf(members: Input): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(members)) {
    if (value === undefined) continue;
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    for (const one of values) query.append(name, typeof one === 'string' ? one : JSON.stringify(one));
  }
  return query.size === 0 ? '' : `?${query.toString()}`;
}
