// One operation as the handler of its route. On the hot path of every call to an agent: what can be known before is.
import type { IncomingMessage } from 'node:http';
import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import { SeedError } from '#lib/error.ts';
import { coerceMembers, type RawValue } from '#operation/coercion.ts';
import type { Gate } from '#operation/gate.ts';
import { LiveAnswer, type WantsEvents } from '#operation/live-answer.ts';
import type { Operation } from '#operation/operation.ts';
import { encodeOutput } from '#operation/output.ts';
import { allows, type Principal } from '#operation/principal.ts';
import { stringify } from '#operation/raw-json.ts';
import { pathMembers, type Route } from '#operation/routes.ts';
import { inputJsonSchema, type JsonSchema } from '#operation/schema.ts';
import { snakeCase } from '#operation/wire.ts';
import { emit } from '#telemetry/emit.ts';
import type { Admission } from './admission.ts';
import { dataHeaders, envelope, failure, JSON_TYPE } from './answer.ts';
import { readJsonBody } from './body.ts';
import { answerFormat, eventStream, itemFormat, type EventFormat } from './event-stream.ts';
import { openAiFailure, openAiFormat } from './openai-dialect.ts';
import { requestIdOf } from './request-id.ts';

export type NodeContext = Context<{ Bindings: HttpBindings }>;

export interface OperationRouteOptions<Ports> {
  gate: Gate<Ports>;
  admission: Admission;
  maxBodyBytes: number;
  heartbeatMs: number;
  /** Aborted when the node goes away: ends streams. */
  closing: AbortSignal;
}

export function operationRoute<Ports>(route: Route<Ports>, options: OperationRouteOptions<Ports>): (c: NodeContext) => Promise<Response> {
  const { operation, method } = route;
  const { gate, admission, maxBodyBytes } = options;
  const inPath = pathMembers(route.path).map((member) => ({ member, wire: snakeCase(member) }));
  const hasBody = method === 'POST' || method === 'PUT' || method === 'PATCH';
  const isPublic = operation.http?.public === true;
  const isOpenAi = operation.http?.dialect === 'openai';
  const failed = isOpenAi ? openAiFailure : failure;

  const told = (response: Response, startedMs: number): Response => {
    const measurements = { duration_us: Math.round((performance.now() - startedMs) * 1000) };
    emit('seed_agent.http.request', measurements, { operation: operation.name, status: String(response.status) });
    return response;
  };

  return async (c) => {
    const { incoming } = c.env;
    const requestId = requestIdOf(incoming);
    const startedMs = performance.now();
    try {
      let principal: Principal | Promise<Principal> = isPublic ? admission.admitAnyone(incoming) : admission.admit(incoming);
      if (principal instanceof Promise) principal = await principal;
      if (operation.stream === true && incoming.method === 'HEAD') return new Response(null, { headers: streamHeaders(requestId) });
      const body = hasBody ? await readJsonBody(incoming, maxBodyBytes) : {};
      const texts: Record<string, RawValue> = {};
      for (const { member, wire } of inPath) texts[wire] = c.req.param(member) ?? '';
      const query = queryOf(incoming, texts);
      const { headers } = incoming;
      const request = {
        principal,
        input: inPath.length === 0 && !query.given ? body : merged(body, texts, operation),
        names: 'wire' as const,
        requestId,
        signal: () => c.req.raw.signal,
        confirm: one(headers['x-confirm']),
        idempotencyKey: keyOf(headers['idempotency-key'], 'Idempotency-Key'),
        lastEventId: keyOf(headers['last-event-id'], 'Last-Event-ID'),
        dryRun: query.dryRun || isTrue(headers['x-dry-run'], 'X-Dry-Run'),
      };
      const wantsEvents = operation.events === true ? eventsIn(headers.accept) : undefined;
      if (operation.stream === true || wantsEvents !== undefined || isOpenAi) {
        return told(await live(c, { operation, request: { ...request, wantsEvents }, requestId, options }), startedMs);
      }
      return told(answer(operation, await gate.call(operation, request), { principal, requestId }), startedMs);
    } catch (error) {
      return told(failed(error, requestId), startedMs);
    }
  };
}

interface Live<Ports> {
  operation: Operation<Ports>;
  request: Parameters<Gate<Ports>['call']>[1];
  requestId: string;
  options: OperationRouteOptions<Ports>;
}

/** Streams, and answers that may go out while they are made. */
async function live<Ports>(c: NodeContext, { operation, request, requestId, options }: Live<Ports>): Promise<Response> {
  const reader = new AbortController();
  const { gate, heartbeatMs } = options;
  // An answer that is being made is a call in flight: a node that goes away waits for it as for every other.
  const closing = operation.stream === true ? options.closing : null;
  const signal = AbortSignal.any([c.req.raw.signal, reader.signal, ...(closing === null ? [] : [closing])]);
  const output = await gate.call(operation, { ...request, signal });
  if (operation.stream !== true && !(output instanceof LiveAnswer)) {
    return answer(operation, output, { principal: request.principal, requestId });
  }
  const events = <T>(items: AsyncIterable<T>, format: EventFormat<T>): ReadableStream<Uint8Array> =>
    eventStream({ items, format, heartbeatMs, closing, onEnd: () => reader.abort() });
  const body =
    output instanceof LiveAnswer
      ? events(output.events, operation.http?.dialect === 'openai' ? openAiFormat(operation) : answerFormat(operation))
      : events(output as AsyncIterable<unknown>, itemFormat(operation));
  return new Response(body, { status: operation.http?.status ?? 200, headers: streamHeaders(requestId) });
}

/** What the Accept header says of server-sent events; a quality of 0 is not looked for. */
function eventsIn(accept: string | undefined): WantsEvents | undefined {
  if (accept === undefined || !accept.includes('text/event-stream')) return undefined;
  return /\bapplication\/(?:json|\*)|\*\/\*/.test(accept) ? 'if_live' : 'always';
}

function streamHeaders(requestId: string): Record<string, string> {
  // Proxies must neither hold events back nor change them.
  return { ...dataHeaders(requestId, 'text/event-stream'), 'cache-control': 'no-store, no-transform', 'x-accel-buffering': 'no' };
}

function answer<Ports>(
  operation: Operation<Ports>,
  output: unknown,
  { principal, requestId }: { principal: Principal; requestId: string },
): Response {
  const { status, statusOf, raw, strangerView = statusAlone } = operation.http ?? {};
  const code = statusOf === undefined ? (status ?? 200) : statusOf(output as Record<string, unknown>);
  const { resource, action } = operation.permission;
  // What is public is open to a scraper too, who may know no more than a stranger.
  const isHidden = operation.http?.public === true && !allows(principal, resource, action);
  const seen = isHidden ? strangerView(output as Record<string, unknown>) : output;
  const encoded = encodeOutput(operation, seen);
  if (raw === undefined) {
    return new Response(envelope(encoded, operation.list !== undefined), { status: code, headers: dataHeaders(requestId, JSON_TYPE) });
  }
  const text = typeof encoded === 'string' ? encoded : stringify(encoded);
  // What answers text, or JSON when asked for it.
  const type = typeof encoded === 'string' || raw.contentType.includes('json') ? raw.contentType : JSON_TYPE;
  return new Response(text, { status: code, headers: dataHeaders(requestId, type) });
}

/** What strangers are shown must be chosen, or it is next to nothing. */
function statusAlone({ status }: Readonly<Record<string, unknown>>): unknown {
  return { status };
}

/** What stands in the query, added to `texts`; `dry_run` is the surface's own. */
function queryOf(incoming: IncomingMessage, texts: Record<string, RawValue>): { given: boolean; dryRun: boolean } {
  const url = incoming.url ?? '';
  const mark = url.indexOf('?');
  if (mark < 0) return { given: false, dryRun: false };
  const query = new URLSearchParams(url.slice(mark + 1));
  let dryRun = false;
  for (const name of new Set(query.keys())) {
    const values = query.getAll(name);
    if (name === 'dry_run') dryRun = isTrue(values, name);
    else if (Object.hasOwn(texts, name)) throw new SeedError('bad_request', `${name} stands in the path and in the query`);
    else Object.defineProperty(texts, name, { value: values, enumerable: true, configurable: true, writable: true });
  }
  return { given: true, dryRun };
}

/** The body's members, and those given as text, coerced. */
function merged<Ports>(
  body: Record<string, unknown>,
  texts: Record<string, RawValue>,
  operation: Operation<Ports>,
): Record<string, unknown> {
  for (const name of Object.keys(texts)) {
    if (Object.hasOwn(body, name)) throw new SeedError('bad_request', `${name} stands in the body and in the path or query`);
  }
  const schema = inputJsonSchema(operation);
  const coerced = onlyText(schema, texts) ? texts : coerceMembers(schema, texts);
  // Spread, not assigned: a member called __proto__ stays a member.
  return { ...body, ...coerced };
}

/** The common case, one name in the path: nothing to coerce. */
function onlyText(schema: JsonSchema, texts: Record<string, RawValue>): boolean {
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>;
  for (const name in texts) {
    if (typeof texts[name] !== 'string' || properties[name]?.['type'] !== 'string') return false;
  }
  return true;
}

function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

function isTrue(value: string | readonly string[] | undefined, name: string): boolean {
  if (value === undefined) return false;
  const text = typeof value === 'string' ? value : value[0];
  if (text === 'true' || text === '1' || text === '') return true;
  if (text === 'false' || text === '0') return false;
  // Taken for false, it would be performed.
  throw new SeedError('bad_request', `${name} is true or false`);
}

function keyOf(header: string | string[] | undefined, name: string): string | undefined {
  const text = one(header);
  if (text === undefined) return undefined;
  if (text.length > 0 && text.length <= 255) return text;
  throw new SeedError('bad_request', `${name} has ${text.length} characters`, { hint: '1 to 255' });
}
