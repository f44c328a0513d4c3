// One definition of what can be asked: the HTTP route, the command, the MCP tool and the in-process call.
import type { z } from 'zod';
import type { WantsEvents } from './live-answer.ts';
import type { Principal } from './principal.ts';

/** read: no effect. write: an effect that can be undone. dangerous: needs confirmation. local: runs in the command line's own process. */
export type OperationKind = 'read' | 'write' | 'dangerous' | 'local';

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface HttpBinding {
  method: HttpMethod;
  /** With `:name` for the members of the input that stand in the path (camelCase names; the wire shows them in snake_case). */
  path: string;
  /** Default 200. */
  status?: number;
  /** Answers without a principal. Only /health and /health/deep are. */
  public?: boolean;
  /**
   * Errors and streams are spelled as OpenAI's clients read them. A live answer goes out without being asked for by `Accept`: the
   * handler gives one where a member `stream` of its input says so.
   */
  dialect?: 'openai';
  /** The body is the output itself, without the `{data}` envelope; a string is sent as it is. */
  raw?: { contentType: string };
  /** Status from the output (in code names), where it is not always the same: a failing health check is 503. */
  statusOf?: (output: Readonly<Record<string, unknown>>) => number;
  /** Of a public operation: what somebody without its permission is shown of the output (in code names). Default: its `status` alone. */
  strangerView?: (output: Readonly<Record<string, unknown>>) => unknown;
}

/** `diff`: a patch. `drawing`: lines that belong together, under a heading, cut at the width of the terminal. `plain`: as it is. */
export interface LaidOutText {
  member: string;
  as: 'diff' | 'drawing' | 'plain';
}

export interface CliBinding {
  /** Members of the input that may be given without their flag, in this order. */
  positionals?: readonly string[];
  /** member → one letter, without the dash. */
  short?: Readonly<Record<string, string>>;
  /** Members whose value is the content of a file or folder named on the command line; never read by the node. */
  upload?: Readonly<Record<string, 'file' | 'folder'>>;
  /** Columns of the table, as members of an item; default: the members of the output schema that are scalars. */
  columns?: readonly string[];
  /** Flag → member, for the names that users know from elsewhere (`--id` for `agent`). */
  flagAliases?: Readonly<Record<string, string>>;
  /** Keep asking or listening until the user stops it: member that switches it on (`follow`). */
  follow?: string;
  /**
   * How people see a stream. `log`: a line for each item. `line`: items with `progress` (0 to 1) share one line that moves,
   * the messages of the others stay, and at the end comes the `summary` (an object) of the last item that has one. Items
   * carry `message`, and may carry `at`, `level` and `error` (`{code, message, hint?}`: what the command then fails with).
   * Default: `line` under `--follow` of another command, else `log`.
   */
  live?: 'line' | 'log';
  /** Of a check: the member of the answer that says whether all is well; false is shown, and the command fails (exit code 1). */
  verdict?: string;
  /** Members of the answer with text that is laid out already: people are shown the first one that is there, and nothing else. */
  texts?: readonly LaidOutText[];
  /** With the flag `--follow`, listen to this streaming operation after the answer: its members ← members of the answer. */
  watch?: { operation: string; input: Readonly<Record<string, string>> };
}

/** What a list can be narrowed and ordered by; page, limit, filter, search, sort and order are added to its input. */
export interface ListBinding {
  /** member → type of its value, which decides what `<`, `>` and `~` mean. */
  fields: Readonly<Record<string, 'string' | 'number' | 'time' | 'boolean'>>;
  /** Fields that `--search` looks into. */
  search: readonly string[];
  defaultSort: string;
  defaultOrder?: 'asc' | 'desc';
  /** Items on a page when nobody says; default 20. */
  defaultLimit?: number;
}

/** What every operation with a list binding is given besides its own input. */
export interface PageInput {
  /** From 1. */
  page: number;
  /** Items on a page, at most 100. */
  limit: number;
  /** `field=value`, also `!=`, `~` (contains), `<`, `>`; all of them must hold. Parsed by `pageQuery`. */
  filter: readonly string[];
  search?: string | undefined;
  /** In wire names, as in a filter. */
  sort?: string | undefined;
  order?: 'asc' | 'desc' | undefined;
}

export interface Example {
  /** What it shows, as a short sentence. */
  summary: string;
  input: Readonly<Record<string, unknown>>;
}

/**
 * Everything a handler is given besides its input.
 * @typeParam Ports what the node's composition root hands to its handlers.
 */
export interface OperationContext<Ports = unknown> {
  operation: string;
  principal: Principal;
  ports: Ports;
  /** Id of the request; correlation of every event it causes. */
  requestId: string;
  /** Aborted when the caller goes away. Made when it is first read: pass the context on whole, a copy of it has none. */
  readonly signal: AbortSignal;
  /** From `Idempotency-Key`. */
  idempotencyKey?: string | undefined;
  /** The handler answers with its plan, an object with `applied: false`, and changes nothing. Only true where the definition says `dryRun`. */
  dryRun: boolean;
  /** Of a stream: the id of the last item that the caller has seen; continue after it. */
  lastEventId?: string | undefined;
  /** The caller can take the answer while it is made: a LiveAnswer. Only set where the definition says `events`. */
  wantsEvents?: WantsEvents | undefined;
  /** Milliseconds since the epoch at which the request arrived. */
  nowMs: number;
}

/** A value; for a list `{ items, pageInfo }` (see page.ts); for a stream an async iterable of items. */
export type Handler<Ports, Input, Output> = (input: Input, context: OperationContext<Ports>) => Promise<Output> | Output;

/** Whether what the input names exists for this principal; false answers `not_found`, so that nobody learns what others have. */
export type AccessCheck<Ports, Input> = (input: Input, context: OperationContext<Ports>) => Promise<boolean> | boolean;

export interface OperationSpec<Ports, I extends z.ZodObject, O extends z.ZodType> {
  /** `domain:action`, or `a:b:c`. */
  name: string;
  /** Other names that mean the same. */
  aliases?: readonly string[];
  /** One line, lower case, no stop. */
  summary: string;
  description?: string;
  kind: OperationKind;
  permission: { resource: string; action: string };
  input: I;
  /** Of one item where the operation lists or streams. */
  output: O;
  /** null: not reachable over HTTP. */
  http: HttpBinding | null;
  cli?: CliBinding;
  /** Whether a tool of this name is offered without being asked for; default: only `read`. */
  mcp?: boolean;
  list?: ListBinding;
  /** The handler answers an async iterable; each item goes out as it comes. */
  stream?: boolean;
  /** The handler answers a LiveAnswer when its context wants events. */
  events?: boolean;
  /** Members that the activity entry names what was asked of by. Default: those in the path, else the words of the command. */
  target?: readonly string[];
  /** Of a stream: the member of an item that says where in the stream it stands (`id:` of the event). Default `id`, where there is one. */
  eventId?: string;
  /** The same input may be sent again without a second effect. */
  idempotent?: boolean;
  /** The handler honours `context.idempotencyKey`: the same key again is answered again, without a second effect. Without it a key is refused. */
  keyed?: boolean;
  /** The handler honours `context.dryRun`. Without it a dry run of a write or dangerous operation is refused, never performed. */
  dryRun?: boolean;
  /** false: no activity entry, because what it does is recorded elsewhere in more detail (calls of agents). Default: every write and dangerous operation. */
  audit?: boolean;
  examples: readonly Example[];
  /** Loaded at the first call. Default: whoever has the permission may ask. */
  access?: () => Promise<AccessCheck<Ports, z.output<I>>>;
  /** Loaded at the first call. The members of PageInput are there where `list` is. */
  handler: () => Promise<Handler<Ports, z.output<I> & PageInput, unknown>>;
}

/** A definition with its types erased, as the registry and the surfaces see it. */
export type Operation<Ports = unknown> = Omit<OperationSpec<Ports, z.ZodObject, z.ZodType>, 'handler' | 'access'> & {
  handler: () => Promise<Handler<Ports, Record<string, unknown>, unknown>>;
  access?: () => Promise<AccessCheck<Ports, Record<string, unknown>>>;
};

/** Define an operation. Definitions are eager and light; whatever the handler needs is imported by `handler`. */
export function operation<Ports, I extends z.ZodObject = z.ZodObject, O extends z.ZodType = z.ZodType>(
  spec: OperationSpec<Ports, I, O>,
): Operation<Ports> {
  return spec as unknown as Operation<Ports>;
}

/** `operation` for handlers that are all given the same ports, so that input and output are inferred. */
export function operationsWith<Ports>(): <I extends z.ZodObject, O extends z.ZodType>(
  spec: OperationSpec<Ports, I, O>,
) => Operation<Ports> {
  return (spec) => operation(spec);
}
