// OpenAPI 3.1 from the definitions: served by a node, and written to docs/openapi.json.
import { ERROR_CODES } from '#lib/error.ts';
import type { Operation } from './operation.ts';
import { pathMembers, routesOf, wireRoute, type Route } from './routes.ts';
import { inputJsonSchema, outputJsonSchema, type JsonSchema } from './schema.ts';
import { snakeCase } from './wire.ts';

export interface OpenApiOptions {
  /** Of the program. */
  version: string;
  /** Where it is served; left out of the committed file. */
  url?: string;
}

/** The document as plain JSON; the same definitions always give the same document. */
export function openApi<Ports>(operations: readonly Operation<Ports>[], { version, url }: OpenApiOptions): JsonSchema {
  const paths: Record<string, Record<string, unknown>> = {};
  const schemas: Record<string, unknown> = { Error: errorSchema(), PageInfo: pageInfoSchema() };
  for (const route of routesOf(operations)) {
    const path = (paths[wireRoute(route.path)] ??= {});
    path[route.method.toLowerCase()] = describe(route, schemas);
  }
  const tags = [...new Set(operations.filter(({ http }) => http !== null).map(tagOf))].toSorted();
  return {
    openapi: '3.1.0',
    info: {
      title: 'Seed Agent',
      version,
      description: 'Made from the operation definitions. The same operations are the commands of `seed`.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    ...(url === undefined ? {} : { servers: [{ url }] }),
    security: [{ bearer: [] }, { session: [] }],
    tags: tags.map((name) => ({ name })),
    paths,
    components: {
      schemas,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'The admin token in the data folder.' },
        session: { type: 'apiKey', in: 'cookie', name: 'seed_session', description: 'Set by signing in; its name ends in the port.' },
      },
      responses: {
        Error: { description: 'Refused or failed', content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } },
        ...(operations.some(({ http }) => http?.dialect === 'openai')
          ? { OpenAiError: { description: 'Refused or failed', content: { 'application/json': { schema: openAiErrorSchema() } } } }
          : {}),
      },
    },
  };
}

function describe<Ports>({ method, path, operation }: Route<Ports>, schemas: Record<string, unknown>): JsonSchema {
  const inPath = pathMembers(path).map(snakeCase);
  const input = hoisted(inputJsonSchema(operation), operation, { part: 'input', schemas });
  const properties = Object.entries((input['properties'] ?? {}) as Record<string, JsonSchema>);
  const required = (input['required'] ?? []) as readonly string[];
  const rest = properties.filter(([name]) => !inPath.includes(name));
  const inQuery = method === 'GET' || method === 'DELETE';
  return {
    operationId: operation.name.replaceAll(':', '_').replaceAll('-', '_'),
    tags: [tagOf(operation)],
    summary: operation.summary,
    ...(operation.description === undefined ? {} : { description: operation.description }),
    'x-operation': operation.name,
    'x-kind': operation.kind,
    ...(operation.http?.public === true ? { security: [{}, { bearer: [] }] } : { 'x-permission': permissionOf(operation) }),
    parameters: [
      ...properties
        .filter(([name]) => inPath.includes(name))
        .map(([name, schema]) => parameter(name, schema, { in: 'path', required: true })),
      ...(inQuery ? rest.map(([name, schema]) => parameter(name, schema, { in: 'query', required: required.includes(name) })) : []),
      ...headers(operation),
    ],
    ...(inQuery || rest.length === 0
      ? {}
      : {
          requestBody: {
            required: required.some((name) => !inPath.includes(name)),
            content: {
              'application/json': {
                schema: {
                  type: 'object',
                  properties: Object.fromEntries(rest),
                  required: required.filter((name) => !inPath.includes(name)),
                  additionalProperties: false,
                },
              },
            },
          },
        }),
    responses: {
      [String(operation.http?.status ?? 200)]: answer(
        operation,
        hoisted(outputJsonSchema(operation), operation, { part: 'output', schemas }),
      ),
      default: { $ref: `#/components/responses/${operation.http?.dialect === 'openai' ? 'OpenAiError' : 'Error'}` },
    },
  };
}

function answer<Ports>(operation: Operation<Ports>, output: JsonSchema): JsonSchema {
  if (operation.stream === true) {
    const description = 'Server-sent events: one item each, then `end`; `failed` carries an error.';
    return { description, content: { 'text/event-stream': { schema: { type: 'string' }, 'x-item': output } } };
  }
  const raw = operation.http?.raw;
  if (raw !== undefined) {
    const told = operation.http?.dialect === 'openai' ? OPENAI_LIVE : operation.events === true ? LIVE : undefined;
    const live = told === undefined ? {} : { 'text/event-stream': { schema: { type: 'string', description: told } } };
    return { description: operation.summary, content: { [raw.contentType]: { schema: output }, ...live } };
  }
  const list = operation.list !== undefined;
  const data = list ? { type: 'array', items: output } : output;
  const schema = {
    type: 'object',
    properties: { data, ...(list ? { page_info: { $ref: '#/components/schemas/PageInfo' } } : {}) },
    required: ['data', ...(list ? ['page_info'] : [])],
  };
  return { description: operation.summary, content: { 'application/json': { schema } } };
}

function parameter(name: string, schema: JsonSchema, rest: { in: 'path' | 'query'; required: boolean }): JsonSchema {
  const { description, ...bare } = schema;
  const scalar = ['string', 'number', 'integer', 'boolean', 'array'].includes(String(bare['type'])) || bare['enum'] !== undefined;
  return {
    name,
    ...rest,
    ...(description === undefined ? {} : { description }),
    ...(scalar ? { schema: bare } : { content: { 'application/json': { schema: bare } } }),
  };
}

function headers<Ports>(operation: Operation<Ports>): JsonSchema[] {
  const all: JsonSchema[] = [];
  const header = (name: string, schema: JsonSchema, required = false): unknown => all.push({ name, in: 'header', required, schema });
  if (operation.kind === 'dangerous') header('X-Confirm', { const: operation.name }, operation.dryRun !== true);
  if (operation.keyed === true) header('Idempotency-Key', { type: 'string', maxLength: 255 });
  if (operation.stream === true || operation.events === true) header('Last-Event-ID', { type: 'string', maxLength: 255 });
  if (operation.dryRun === true) all.push({ name: 'dry_run', in: 'query', required: false, schema: { type: 'boolean' } });
  return all;
}

/** `$defs` of a schema, and the schema itself where it contains itself, become components: a reference in OpenAPI starts at the document. */
function hoisted<Ports>(
  schema: JsonSchema,
  operation: Operation<Ports>,
  { part, schemas }: { part: 'input' | 'output'; schemas: Record<string, unknown> },
): JsonSchema {
  const { $defs = {}, ...rest } = schema;
  const prefix = `#/components/schemas/${operation.name.replaceAll(/[:-]/g, '_')}_${part}`;
  let containsItself = false;
  const moved = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(moved);
    if (value === null || typeof value !== 'object') return value;
    const { $ref } = value as { $ref?: unknown };
    if (typeof $ref === 'string') {
      if ($ref === '#') containsItself = true;
      return { ...value, $ref: $ref === '#' ? prefix : $ref.replace('#/$defs/', `${prefix}_`) };
    }
    return Object.fromEntries(Object.entries(value).map(([key, below]) => [key, moved(below)]));
  };
  const name = (reference: string): string => reference.slice(reference.lastIndexOf('/') + 1);
  const whole = moved(rest) as JsonSchema;
  for (const [key, definition] of Object.entries($defs as Record<string, unknown>)) schemas[name(`${prefix}_${key}`)] = moved(definition);
  if (!containsItself) return whole;
  schemas[name(prefix)] = whole;
  return { $ref: prefix };
}

const LIVE =
  'Any number of `event: chunk` with `id:` (its number, from 1) and `data:` (the chunk), or one `event: result` with all of `data`; ' +
  'then `event: done` with the other members. `event: error` carries an error instead. Comments come while nothing happens. ' +
  'With `Accept: application/json, text/event-stream` what does not stream is answered as JSON. A call is resumed after ' +
  '`Last-Event-ID` only when it has ended and was sent with the same `Idempotency-Key`.';

const OPENAI_LIVE =
  'With `"stream": true`: `data:` with a chat.completion.chunk each, then `data: [DONE]`; `data: {"error": …}` carries an error ' +
  'instead. With `"stream_options": {"include_usage": true}` the last chunk has the usage. Comments come while nothing happens.';

function tagOf<Ports>({ name }: Operation<Ports>): string {
  return name.slice(0, name.indexOf(':'));
}

function permissionOf<Ports>({ permission }: Operation<Ports>): string {
  return `${permission.resource}:${permission.action}`;
}

function errorSchema(): JsonSchema {
  return {
    type: 'object',
    properties: {
      error: { type: 'string', description: 'What happened, with which value.' },
      code: { enum: Object.keys(ERROR_CODES) },
      details: { description: 'Of `invalid_input`: a list of {path, message}.' },
      hint: { type: 'string', description: 'What to do now.' },
    },
    required: ['error', 'code'],
  };
}

function openAiErrorSchema(): JsonSchema {
  const text = { type: 'string' };
  const error = {
    type: 'object',
    properties: {
      message: { ...text, description: 'What happened, with which value.' },
      type: { ...text, description: "OpenAI's word for errors of this kind." },
      param: { type: ['string', 'null'], description: 'The member that is refused.' },
      code: { enum: Object.keys(ERROR_CODES) },
      details: {},
      hint: { ...text, description: 'What to do now.' },
    },
    required: ['message', 'type', 'param', 'code'],
  };
  return { type: 'object', properties: { error }, required: ['error'] };
}

function pageInfoSchema(): JsonSchema {
  const integer = { type: 'integer' };
  const properties = {
    page: integer,
    limit: integer,
    total: integer,
    pages: integer,
    has_next: { type: 'boolean' },
    has_previous: { type: 'boolean' },
  };
  return { type: 'object', properties, required: Object.keys(properties) };
}
