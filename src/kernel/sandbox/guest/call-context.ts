// ctx, as one call sees it: only what the contract grants exists. Requests leave as records of the entry, results come back
// through `deliver`, and what the call has already read or written is answered here.
import type { GuestCall, GuestSettings, StateCell } from './guest-call.ts';
import type { LogLevel, Realm, Turn } from './realm.ts';

export interface CallContexts {
  /** `cell`: the state of an evaluated session, kept by reference; null in a served call, where it is asked for. */
  make(call: GuestCall, cell: StateCell | null): Record<string, unknown>;
  canLog(): boolean;
  /** Adds a line to the call's log. */
  log(call: GuestCall, level: LogLevel, message: string, fieldsJson?: string): void;
}

export function callContexts(realm: Realm, tools: { settings: () => GuestSettings; randomOf: (turn: Turn) => number }): CallContexts {
  const { settings, randomOf } = tools;
  const { parse, stringify, slice, text, mapSet, freeze, Map, Promise, Error, RangeError, TypeError } = realm;
  const MAX_REQUESTS = 1000;
  const MAX_REQUEST_CHARS = 8_388_608;
  const MAX_LOG_CHARS = 262_144;

  const request = (call: GuestCall, name: string, argsJson: string): number => {
    if (call.ended) throw new Error(`ctx.${name} of a call that has ended`);
    call.requestChars += argsJson.length;
    if (call.requests >= MAX_REQUESTS || call.requestChars > MAX_REQUEST_CHARS) {
      throw new RangeError(`a call may make ${MAX_REQUESTS} requests with ${MAX_REQUEST_CHARS} characters in all`);
    }
    call.requests += 1;
    const { box } = realm;
    const kind = name === 'state.set' ? 'notify' : 'request';
    box.out += `${kind}\t${call.seq}\t${call.requests}\t${name}\t${argsJson}\n`;
    return call.requests;
  };

  const ask = (call: GuestCall, name: string, argsJson: string): Promise<string> => {
    const seq = request(call, name, argsJson);
    call.open ??= new Map();
    const { open } = call;
    return new Promise((resolve, reject) => mapSet(open, seq, { resolve, reject }));
  };

  /** The text of the state, once it was read or written in this call. */
  const readState = async (call: GuestCall): Promise<unknown> => {
    if (call.stateJson === null) {
      call.stateRead ??= ask(call, 'state.get', 'null');
      const json = await call.stateRead;
      // A set that was made meanwhile is newer.
      call.stateJson ??= json;
    }
    return parse(call.stateJson) ?? undefined;
  };

  const writeState = async (call: GuestCall, value: unknown): Promise<void> => {
    const json = value === undefined ? 'null' : stringify(value);
    if (json === undefined) throw new TypeError('the state must be a JSON value');
    const { stateBytes } = settings().limits;
    if (json.length > stateBytes) throw new RangeError(`the state has ${json.length} characters, its contract allows ${stateBytes} bytes`);
    request(call, 'state.set', json);
    call.stateJson = json;
  };

  /** While it waited its key was free, and others may have written: what was read before is not what is there now. */
  const wait = async (call: GuestCall, name: string, argsJson: string): Promise<string> => {
    try {
      return await ask(call, name, argsJson);
    } finally {
      call.stateRead = null;
      call.stateJson = null;
    }
  };

  const sleep = async (call: GuestCall, ms: unknown): Promise<void> => {
    if (typeof ms !== 'number' || !(ms >= 0)) throw new TypeError(`ctx.sleep takes milliseconds, 0 or more, not ${text(ms)}`);
    await wait(call, 'sleep', `{"ms":${stringify(ms)}}`);
  };

  const question = async (call: GuestCall, asked: unknown, options: unknown): Promise<unknown> => {
    if (typeof asked !== 'string') throw new TypeError(`ctx.ask takes a question as text, not ${typeof asked}`);
    const { schema, timeoutMs } = (options ?? {}) as { schema?: unknown; timeoutMs?: unknown };
    const args = stringify({ question: asked, schema, timeoutMs }) as string;
    return parse(await wait(call, 'ask', args));
  };

  const log = (call: GuestCall, level: LogLevel, message: unknown, fieldsJson?: string): void => {
    if (call.ended) return;
    if (call.logLines >= settings().limits.logLines || call.logs.length > MAX_LOG_CHARS) {
      call.logsDropped += 1;
      return;
    }
    const shown = stringify(slice(typeof message === 'string' ? message : text(message), 0, 4096));
    const fields = fieldsJson === undefined ? '' : `,"fields":${fieldsJson}`;
    call.logs += `${call.logLines === 0 ? '' : ','}{"level":"${level}","message":${shown}${fields}}`;
    call.logLines += 1;
  };

  const writer =
    (call: GuestCall, level: LogLevel) =>
    (message: unknown, fields?: unknown): void => {
      let json: string | undefined;
      try {
        json = fields === undefined ? undefined : stringify(fields);
      } catch {
        json = '{"dropped":"not JSON"}';
      }
      if (json !== undefined && json.length > 8192) json = '{"dropped":"more than 8192 characters"}';
      log(call, level, message, json !== undefined && json[0] === '{' ? json : undefined);
    };

  let lastPrincipal: { json: string; value: unknown } | null = null;

  /** Frozen, because the next call of the same principal is shown the same object. */
  const principalOf = (json: string): unknown => {
    if (lastPrincipal?.json !== json) lastPrincipal = { json, value: frozen(parse(json)) };
    return lastPrincipal.value;
  };

  const frozen = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    const names = realm.keys(value);
    for (let index = 0; index < names.length; index += 1) frozen((value as Record<string, unknown>)[names[index] as string]);
    return freeze(value);
  };

  const capability = (name: string, call: GuestCall, cell: StateCell | null): unknown => {
    switch (name) {
      case 'log':
        return { debug: writer(call, 'debug'), info: writer(call, 'info'), warn: writer(call, 'warn'), error: writer(call, 'error') };
      case 'now':
        return () => call.turn.timeMs;
      case 'random':
        return () => randomOf(call.turn);
      case 'state':
        return cell === null ? { get: () => readState(call), set: (value: unknown) => writeState(call, value) } : kept(cell);
      case 'sleep':
        return (ms: unknown) => sleep(call, ms);
      case 'ask':
        return (asked: unknown, options?: unknown) => question(call, asked, options);
      // With more than one argument, of which the last may be missing.
      case 'fetch':
        return async (url: unknown, options: unknown): Promise<unknown> =>
          parse(await ask(call, name, stringify([url, options]) ?? 'null'));
      case 'call':
        return async (agent: unknown, input: unknown, options: unknown): Promise<unknown> =>
          parse(await ask(call, name, stringify([agent, input, options]) ?? 'null'));
      default:
        return async (args: unknown): Promise<unknown> => parse(await ask(call, name, stringify(args) ?? 'null'));
    }
  };

  const kept = (cell: StateCell): unknown => ({
    get: async () => (cell.isCopied ? copyOf(cell.value) : (cell.value ?? undefined)),
    set: async (value: unknown) => {
      cell.value = cell.isCopied ? copyOf(value) : value;
    },
  });

  const copyOf = (value: unknown): unknown => {
    const json = value === undefined ? 'null' : stringify(value);
    if (json === undefined) throw new TypeError('the state must be a JSON value');
    return parse(json) ?? undefined;
  };

  const canLog = (): boolean => {
    const { capabilities } = settings();
    for (let index = 0; index < capabilities.length; index += 1) if (capabilities[index] === 'log') return true;
    return false;
  };

  return {
    log,
    canLog,
    make(call, cell) {
      const { agent, capabilities } = settings();
      const context: Record<string, unknown> = { agent, key: call.key, principal: principalOf(call.principalJson) };
      for (let index = 0; index < capabilities.length; index += 1) {
        const name = capabilities[index] as string;
        context[name] = capability(name, call, cell);
      }
      return context;
    },
  };
}
