// The one way to a handler, for every surface: permission, input, access, confirmation, handler, output, activity. Who asks
// was found out by the surface before.
import { SeedError, toSeedError } from '#lib/error.ts';
import { uuidv7 } from '#lib/id.ts';
import type { ActivityLog } from './activity.ts';
import { parseInput } from './input.ts';
import { LiveAnswer, type WantsEvents } from './live-answer.ts';
import type { AccessCheck, Operation, OperationContext } from './operation.ts';
import { checkOutput, checkItem } from './output.ts';
import { allows, type Principal } from './principal.ts';
import { pathMembers } from './routes.ts';

/** What only the operator may see: a bug in a handler, an entry that could not be written. */
export interface GateProblem {
  message: string;
  operation: string;
  requestId: string;
  cause: unknown;
}

export interface GateOptions<Ports> {
  ports: Ports;
  activity: ActivityLog;
  report: (problem: GateProblem) => void;
  /** Default: Date.now. */
  nowMs?: () => number;
}

export interface GateRequest {
  principal: Principal;
  input: unknown;
  /** Whose names the input uses. `wire` is what surfaces receive; default `code`. */
  names?: 'wire' | 'code';
  /** Default: a new UUIDv7. */
  requestId?: string;
  /** A function is called at the first use only. Default: never aborted. */
  signal?: AbortSignal | (() => AbortSignal);
  /** Of a dangerous operation: its own name. */
  confirm?: string | undefined;
  idempotencyKey?: string | undefined;
  lastEventId?: string | undefined;
  wantsEvents?: WantsEvents | undefined;
  /** Default false. */
  dryRun?: boolean;
}

export interface Gate<Ports = unknown> {
  /**
   * The checked output in code names: a value, a page, an async iterable of checked items, or a LiveAnswer.
   * @throws SeedError. Everything a caller may not know is `internal` and went to `report`.
   */
  call(operation: Operation<Ports>, request: GateRequest): Promise<unknown>;
}

export function createGate<Ports>(options: GateOptions<Ports>): Gate<Ports> {
  return { call: (operation, request) => call(options, operation, request) };
}

const NEVER = new AbortController().signal;

async function call<Ports>(options: GateOptions<Ports>, operation: Operation<Ports>, request: GateRequest): Promise<unknown> {
  const { principal } = request;
  const nowMs = options.nowMs ?? Date.now;
  const context = new GateContext(options.ports, operation, { request, nowMs: nowMs() });
  const audited = (operation.kind === 'write' || operation.kind === 'dangerous') && operation.audit !== false && !context.dryRun;
  const record = async (outcome: string, input?: Readonly<Record<string, unknown>>): Promise<void> => {
    if (audited) await append(options, operation, { context, outcome, input, nowMs });
  };

  if (operation.http?.public !== true && !allows(principal, operation.permission.resource, operation.permission.action)) {
    await record('forbidden');
    const needed = `${operation.permission.resource}:${operation.permission.action}`;
    throw new SeedError('forbidden', `${principal.kind} ${principal.id} may not ${operation.name}`, {
      hint: `it needs the permission ${needed}`,
    });
  }
  const input = parseInput(operation, request.input, request.names ?? 'code');
  if (operation.access !== undefined && !(await guarded(options, context, async () => (await accessOf(operation))(input, context)))) {
    await record('not_found', input);
    throw new SeedError('not_found', `${targetOf(operation, input) ?? operation.permission.resource} does not exist`);
  }
  if (request.dryRun === true) refuseBlindRun(operation);
  if (request.idempotencyKey !== undefined) refuseKey(operation);
  if (operation.kind === 'dangerous' && !context.dryRun && request.confirm !== operation.name) {
    throw new SeedError('confirmation_required', `${operation.name} is dangerous: ${operation.summary}`, {
      details: { confirm: operation.name },
      hint: `confirm it: header "X-Confirm: ${operation.name}", or --confirm on the command line`,
    });
  }
  try {
    const handler = handlers.get(operation) ?? (await handlerOf(operation));
    const output = await handler(input as never, context as never);
    const checked =
      operation.stream === true
        ? told(options, context, output as AsyncIterable<unknown>, (item) => checkItem(operation, item))
        : output instanceof LiveAnswer
          ? new LiveAnswer(told(options, context, output.events, (event) => event))
          : checkOutput(operation, output, context.dryRun);
    // Under way when the answer goes out: what was done has been written down by whoever did it, and a swap does not wait for this.
    if (audited) void record('ok', input);
    return checked;
  } catch (error) {
    const failure = presentable(options, context, error);
    await record(failure.code, input);
    throw failure;
  }
}

/**
 * Most handlers never look at the signal: what is behind it is only made for those that do. A class, because an accessor in an
 * object literal costs V8 a hidden class per object, which kept every request alive until the next full collection.
 */
class GateContext<Ports> implements OperationContext<Ports> {
  readonly operation: string;
  readonly principal: Principal;
  readonly ports: Ports;
  readonly requestId: string;
  readonly dryRun: boolean;
  readonly nowMs: number;
  readonly idempotencyKey: string | undefined;
  readonly lastEventId: string | undefined;
  readonly wantsEvents: WantsEvents | undefined;
  readonly #signal: AbortSignal | (() => AbortSignal) | undefined;

  constructor(ports: Ports, operation: Operation<Ports>, { request, nowMs }: { request: GateRequest; nowMs: number }) {
    this.operation = operation.name;
    this.principal = request.principal;
    this.ports = ports;
    this.requestId = request.requestId ?? uuidv7(nowMs);
    this.dryRun = request.dryRun === true && operation.kind !== 'read';
    this.nowMs = nowMs;
    this.idempotencyKey = request.idempotencyKey;
    this.lastEventId = request.lastEventId;
    this.wantsEvents = operation.events === true ? request.wantsEvents : undefined;
    this.#signal = request.signal;
  }

  get signal(): AbortSignal {
    return typeof this.#signal === 'function' ? this.#signal() : (this.#signal ?? NEVER);
  }
}

function refuseBlindRun<Ports>(operation: Operation<Ports>): void {
  if (operation.kind === 'read' || operation.dryRun === true) return;
  throw new SeedError('invalid_input', `${operation.name} can not say beforehand what it would do`, { hint: 'ask without the dry run' });
}

/** Whoever sends a key relies on it: one that nobody looks at would be a promise broken later. */
function refuseKey<Ports>(operation: Operation<Ports>): void {
  if (operation.kind === 'read' || operation.keyed === true || operation.idempotent === true) return;
  throw new SeedError('invalid_input', `${operation.name} takes no idempotency key: sent twice, it would be done twice`, {
    hint: 'ask without the key, and look at what is there before asking again',
  });
}

/** Whatever it takes: the input was checked by the definition that it belongs to. */
type AnyHandler = (input: never, context: never) => unknown;

const handlers = new WeakMap<object, AnyHandler>();
const accessChecks = new WeakMap<object, AccessCheck<never, never>>();

async function handlerOf<Ports>(operation: Operation<Ports>): Promise<AnyHandler> {
  const handler: AnyHandler = await operation.handler();
  handlers.set(operation, handler);
  return handler;
}

async function accessOf<Ports>(operation: Operation<Ports>): Promise<AccessCheck<Ports, Record<string, unknown>>> {
  const known = accessChecks.get(operation);
  if (known !== undefined) return known as AccessCheck<Ports, Record<string, unknown>>;
  const check = (await operation.access?.()) ?? ((): boolean => true);
  accessChecks.set(operation, check);
  return check;
}

async function guarded<Ports, T>(options: GateOptions<Ports>, context: OperationContext<Ports>, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw presentable(options, context, error);
  }
}

/** What goes out as it comes; what fails on the way fails here in the form that a caller may see. */
async function* told<Ports, T>(
  options: GateOptions<Ports>,
  context: OperationContext<Ports>,
  source: AsyncIterable<T>,
  checked: (item: T) => T,
): AsyncGenerator<T, void, undefined> {
  try {
    for await (const item of source) yield checked(item);
  } catch (error) {
    throw presentable(options, context, error);
  }
}

/** What the caller may see of a failure. */
function presentable<Ports>(options: GateOptions<Ports>, context: OperationContext<Ports>, error: unknown): SeedError {
  const failure = toSeedError(error);
  const { operation, requestId } = context;
  if (failure.code !== 'internal') return failure;
  if (error instanceof Error && error.name === 'AbortError' && context.signal.aborted) {
    return new SeedError('cancelled', `${operation} was cancelled: the caller went away`, { cause: error });
  }
  options.report({ message: `${operation} failed: ${failure.message}`, operation, requestId, cause: error });
  return new SeedError('internal', `${operation} failed unexpectedly`, {
    hint: `the node's log has the cause under request ${requestId}`,
    cause: error,
  });
}

interface Ending<Ports> {
  context: OperationContext<Ports>;
  outcome: string;
  input: Readonly<Record<string, unknown>> | undefined;
  nowMs: () => number;
}

async function append<Ports>(options: GateOptions<Ports>, operation: Operation<Ports>, ending: Ending<Ports>): Promise<void> {
  const { context, outcome, input } = ending;
  const atMs = ending.nowMs();
  try {
    await options.activity.append({
      id: uuidv7(atMs),
      atMs,
      principalKind: context.principal.kind,
      principalId: context.principal.id,
      operation: operation.name,
      target: input === undefined ? null : targetOf(operation, input),
      outcome,
      durationMs: Math.max(0, atMs - context.nowMs),
      requestId: context.requestId,
    });
  } catch (cause) {
    const message = `no activity entry for ${operation.name} (${outcome})`;
    options.report({ message, operation: operation.name, requestId: context.requestId, cause });
  }
}

function targetOf<Ports>(operation: Operation<Ports>, input: Readonly<Record<string, unknown>>): string | null {
  const inPath = operation.http === null ? [] : pathMembers(operation.http.path);
  const words = (operation.cli?.positionals ?? []).filter((member) => !(member in (operation.cli?.upload ?? {})));
  const members = operation.target ?? (inPath.length > 0 ? inPath : words);
  const parts = members.map((member) => input[member]).filter((value) => typeof value === 'string' || typeof value === 'number');
  return parts.length === 0 ? null : parts.join('/').slice(0, 200);
}
