// The calls of one context: started, given their results one entry at a time, and ended with a record that says how.
// An entry gives its host a text of records, one a line, in the order in which things happened; fields are separated by tabs
// (JSON texts hold neither):
//   request <call> <seq> <name> <args>          notify <call> <seq> <name> <args>
//   done <call> <output> <logs>                 failed <call> <failure> <error> <logs>
// and those of streams.ts.
import type { CallContexts } from './call-context.ts';
import type { GuestCall, GuestSettings, StateCell } from './guest-call.ts';
import type { Box, Realm, Turn } from './realm.ts';
import type { GuestStreams, StreamEnds } from './streams.ts';

export interface GuestCalls {
  start(call: {
    seq: number;
    exportName: string;
    inputJson: string;
    keyJson: string;
    principalJson: string;
    timeMs: number;
    seed: number;
  }): string | Box;
  deliver(result: { seq: number; request: number; timeMs: number; ok: boolean; json: string }): string | Box;
  /** The reader of a stream has room for so much since the beginning. */
  grant(room: { seq: number; chunks: number; chars: number }): string | Box;
  /** The reader of a stream has gone. */
  leave(seq: number): string | Box;
  forget(seq: number): void;
  /** The default export whose functions are called, and what changes states of another version. */
  serve(module: Record<string, unknown>, change: unknown): void;
  /** From now on ctx.state is this cell. */
  keepState(cell: StateCell): void;
}

export function guestCalls(
  realm: Realm,
  tools: {
    contexts: CallContexts;
    describe: (error: unknown) => string;
    settings: () => GuestSettings;
    streamsOf: (ends: StreamEnds) => GuestStreams;
  },
): GuestCalls {
  const { apply, parse, stringify, mapGet, mapSet, mapDelete, mapSize, define, Map, Error, TypeError } = realm;
  const { contexts, describe, settings } = tools;
  const calls = new Map<number, GuestCall>();
  let target: Record<string, unknown> = {};
  let codeChange: unknown;
  let cell: StateCell | null = null;

  const enter = (turn: Turn): Box => {
    realm.turn = turn;
    realm.box = { out: '' };
    return realm.box;
  };

  const end = (call: GuestCall, record: string): void => {
    if (call.logsDropped > 0 && settings().limits.logLines > 0) {
      call.logs += `${call.logLines === 0 ? '' : ','}{"level":"warn","message":"${call.logsDropped} more lines were dropped"}`;
    }
    const { box } = realm;
    box.out += `${record}\t[${call.logs}]\n`;
    call.ended = true;
    mapDelete(calls, call.seq);
  };

  const fail = (call: GuestCall, failure: string, error: unknown): void => {
    if (call.ended) return;
    const described = describe(error);
    if (!call.ended) end(call, `failed\t${call.seq}\t${failure}\t${described}`);
  };

  const finish = (call: GuestCall, value: unknown): void => {
    if (call.ended) return;
    let json: string | undefined;
    try {
      call.stream = streams.of(value);
      if (call.stream !== null) {
        if (call.isChange) throw new TypeError('codeChange can not be an async generator');
        realm.box.out += `stream\t${call.seq}\n`;
        return;
      }
      // A change that forgot to return is not one to nothing.
      json = value === undefined && !call.isChange ? 'null' : stringify(value);
      if (json === undefined) throw new TypeError(`a ${typeof value} can not be returned: the output must be JSON`);
    } catch (error) {
      fail(call, 'unserialisable', error);
      return;
    }
    const { limits } = settings();
    const outputBytes = call.isChange ? limits.stateBytes : limits.outputBytes;
    // Never more characters than bytes; the host, which has the bytes, looks again.
    if (json.length > outputBytes)
      fail(call, 'output_limit', new Error(`the output has ${json.length} characters, its contract allows ${outputBytes} bytes`));
    else if (!call.ended) end(call, `done\t${call.seq}\t${json}`);
  };

  const streams = tools.streamsOf({ end, fail, note: (call, message) => contexts.log(call, 'error', message) });

  const isThenable = (value: unknown): boolean =>
    ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function';

  /** `await` and no `.then`: it can not be led astray by a constructor or a species of the promise. */
  const finishLater = async (call: GuestCall, promise: unknown): Promise<void> => {
    let value: unknown;
    try {
      value = await promise;
    } catch (error) {
      fail(call, 'threw', error);
      return;
    }
    finish(call, value);
  };

  const handle = (call: GuestCall, name: string, inputJson: string): unknown => {
    const handler = target[name];
    if (typeof handler !== 'function') throw new TypeError(`the default export has no function ${name}`);
    return apply(handler, target, [parse(inputJson), contexts.make(call, cell)]);
  };

  const change = (inputJson: string): unknown => {
    if (typeof codeChange !== 'function') throw new TypeError('agent.ts exports no function codeChange');
    const input = parse(inputJson) as [unknown, unknown];
    return apply(codeChange, undefined, [input[0], input[1]]);
  };

  return {
    start({ seq, exportName, inputJson, keyJson, principalJson, timeMs, seed }) {
      const turn: Turn = { timeMs, seed, generator: null, log: null };
      const box = enter(turn);
      const call: GuestCall = {
        seq,
        key: parse(keyJson) as string | null,
        isChange: exportName === ':codeChange',
        principalJson,
        turn,
        open: null,
        ended: false,
        stream: null,
        requests: 0,
        requestChars: 0,
        stateRead: null,
        stateJson: null,
        logs: '',
        logLines: 0,
        logsDropped: 0,
      };
      if (contexts.canLog() && !call.isChange) turn.log = (level, message, fieldsJson) => contexts.log(call, level, message, fieldsJson);
      mapSet(calls, seq, call);
      let value: unknown;
      let later: boolean;
      try {
        value = call.isChange ? change(inputJson) : handle(call, exportName, inputJson);
        later = isThenable(value);
      } catch (error) {
        fail(call, 'threw', error);
        return box;
      }
      if (later) {
        void finishLater(call, value);
        return box;
      }
      finish(call, value);
      // A plain text is cheaper to hand over, but it is taken now: another call may still have something to say in this entry.
      return mapSize(calls) === 0 ? box.out : box;
    },
    deliver({ seq, request, timeMs, ok, json }) {
      const call = mapGet(calls, seq);
      if (call === undefined) return '';
      call.turn.timeMs = timeMs;
      const box = enter(call.turn);
      const open = call.open === null ? undefined : mapGet(call.open, request);
      if (open === undefined || call.open === null) return box;
      mapDelete(call.open, request);
      if (ok) open.resolve(json);
      else open.reject(revive(json));
      return box;
    },
    grant({ seq, chunks, chars }) {
      const call = mapGet(calls, seq);
      if (call === undefined || call.stream === null) return '';
      const box = enter(call.turn);
      streams.grant(call, call.stream, { chunks, chars });
      return box;
    },
    leave(seq) {
      const call = mapGet(calls, seq);
      if (call === undefined || call.stream === null) return '';
      const box = enter(call.turn);
      streams.leave(call, call.stream);
      return box;
    },
    forget(seq) {
      const call = mapGet(calls, seq);
      if (call === undefined) return;
      call.ended = true;
      mapDelete(calls, seq);
      if (call.stream === null) return;
      enter(call.turn);
      streams.abandon(call.stream);
    },
    serve(module, change) {
      target = module;
      codeChange = change;
    },
    keepState(kept) {
      cell = kept;
    },
  };

  function revive(json: string): Error {
    const described = parse(json) as { name: string; message: string; code?: string };
    const error = new Error(described.message);
    define(error, 'name', { value: described.name, writable: true, enumerable: false, configurable: true });
    if (described.code !== undefined)
      define(error, 'code', { value: described.code, writable: true, enumerable: true, configurable: true });
    return error;
  }
}
