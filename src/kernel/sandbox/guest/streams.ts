// The streams of one context: async generators, pulled only while their reader has room, each chunk serialised in here.
// Records, beside those of calls.ts:
//   stream <call>                     the handler gave an async generator: nothing of it runs before there is room
//   chunk <call> <json>               end <call> <logs>
import type { GuestCall, GuestSettings, GuestStream } from './guest-call.ts';
import type { Realm } from './realm.ts';

/** How a call comes to its end; calls.ts has them. */
export interface StreamEnds {
  end(call: GuestCall, record: string): void;
  fail(call: GuestCall, failure: string, error: unknown): void;
  /** A line in the call's log, whatever its contract grants. */
  note(call: GuestCall, message: string): void;
}

export interface GuestStreams {
  /** Null for what is no async generator. @throws TypeError for a generator that is not async */
  of(value: unknown): GuestStream | null;
  /** The reader has room for so much since the beginning. */
  grant(call: GuestCall, stream: GuestStream, room: { chunks: number; chars: number }): void;
  /** The reader has gone: `finally` blocks run, then the call ends `cancelled`. */
  leave(call: GuestCall, stream: GuestStream): void;
  /** Of a call that has ended already: `finally` blocks run as far as they get in this entry. */
  abandon(stream: GuestStream): void;
}

export function guestStreams(realm: Realm, tools: { settings: () => GuestSettings; describe: (error: unknown) => string }) {
  const { apply, stringify, Error, TypeError } = realm;
  const { settings, describe } = tools;
  const ASYNC_ITERATOR: typeof Symbol.asyncIterator = Symbol.asyncIterator;
  const ITERATOR: typeof Symbol.iterator = Symbol.iterator;

  const isFunction = (value: unknown): value is (...args: unknown[]) => unknown => typeof value === 'function';
  const isObject = (value: unknown): value is Record<PropertyKey, unknown> => typeof value === 'object' && value !== null;

  return (ends: StreamEnds): GuestStreams => {
    const { end, fail, note } = ends;

    /** False when the call has ended with it. */
    const take = (call: GuestCall, stream: GuestStream, value: unknown): boolean => {
      let json: string | undefined;
      try {
        json = value === undefined ? 'null' : stringify(value);
        if (json === undefined) throw new TypeError(`a ${typeof value} can not be yielded: a chunk must be JSON`);
      } catch (error) {
        fail(call, 'unserialisable', error);
        return false;
      }
      // A getter or toJSON of the value may have taken its time.
      if (call.ended || stream.isLeaving) return false;
      const { chunkBytes, outputBytes } = settings().limits;
      stream.chunks += 1;
      stream.chars += json.length;
      // Never more characters than bytes; the host, which has the bytes, looks again.
      if (json.length > chunkBytes)
        fail(
          call,
          'output_limit',
          new Error(`chunk ${stream.chunks} has ${json.length} characters, ${chunkBytes} bytes are allowed in one`),
        );
      else if (stream.chars > outputBytes)
        fail(call, 'output_limit', new Error(`the stream has more than the ${outputBytes} bytes that its contract allows in all`));
      else realm.box.out += `chunk\t${call.seq}\t${json}\n`;
      return !call.ended;
    };

    const pull = async (call: GuestCall, stream: GuestStream): Promise<void> => {
      if (stream.isPulling) return;
      stream.isPulling = true;
      while (!call.ended && !stream.isLeaving && stream.chunks < stream.roomChunks && stream.chars < stream.roomChars) {
        let done: unknown;
        let value: unknown;
        try {
          const step = await apply(stream.next, stream.iterator, []);
          if (!isObject(step)) throw new TypeError('the next() of a stream must give an object');
          done = step['done'];
          value = done ? undefined : step['value'];
        } catch (error) {
          fail(call, 'threw', error);
          return;
        }
        if (call.ended || stream.isLeaving) break;
        if (done) {
          end(call, `end\t${call.seq}`);
          return;
        }
        if (!take(call, stream, value)) {
          abandon(stream);
          return;
        }
      }
      stream.isPulling = false;
    };

    /** What `finally` blocks throw or yield has nobody left to go to. */
    const finishing = async (stream: GuestStream): Promise<unknown> => {
      try {
        const giveBack = stream.iterator['return'];
        if (isFunction(giveBack)) await apply(giveBack, stream.iterator, []);
        return null;
      } catch (error) {
        return error ?? 'nothing';
      }
    };

    const abandon = (stream: GuestStream): void => {
      if (stream.isLeaving) return;
      stream.isLeaving = true;
      void finishing(stream);
    };

    const left = async (call: GuestCall, stream: GuestStream): Promise<void> => {
      const thrown = await finishing(stream);
      if (thrown !== null && !call.ended) note(call, `the stream threw when it was ended: ${describe(thrown)}`);
      fail(call, 'cancelled', new Error('the reader has gone'));
    };

    return {
      of(value) {
        if (!isObject(value)) return null;
        const asyncIterator = value[ASYNC_ITERATOR];
        if (!isFunction(asyncIterator)) {
          if (isFunction(value['next']) && isFunction(value[ITERATOR])) {
            throw new TypeError('a generator that is not async can not be returned: write async *, or return a list');
          }
          return null;
        }
        const iterator = apply(asyncIterator, value, []);
        if (!isObject(iterator)) throw new TypeError('a stream must have an iterator');
        const { next } = iterator;
        if (!isFunction(next)) throw new TypeError('the iterator of a stream must have a next()');
        return { iterator, next, chunks: 0, chars: 0, roomChunks: 0, roomChars: 0, isPulling: false, isLeaving: false };
      },
      grant(call, stream, { chunks, chars }) {
        stream.roomChunks = chunks;
        stream.roomChars = chars;
        void pull(call, stream);
      },
      leave(call, stream) {
        if (stream.isLeaving) return;
        stream.isLeaving = true;
        void left(call, stream);
      },
      abandon,
    };
  };
}
