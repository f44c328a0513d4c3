// The body of an answer: unpacked, and held to its size before and after unpacking.
import type { IncomingMessage } from 'node:http';
import { Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { SeedError } from '#lib/error.ts';

/** What a packed body may have more than an unpacked one, which is little: an endless row of empty blocks unpacks to nothing. */
const PACKED_EXTRA_BYTES = 65_536;
/** Each piece costs the node some microseconds: a body of single bytes would cost it minutes. */
const MAX_PIECES = 5_000;
const MIN_PIECE_BYTES = 256;

/** Sent as Accept-Encoding. */
export const ENCODINGS = 'gzip, deflate, br';

/**
 * @param options.isEmpty whether there is none, whatever the headers say
 * @throws SeedError `payload_too_large`, `unavailable`; what node:http and node:zlib throw
 */
export async function readBody(
  response: IncomingMessage,
  options: { maxBytes: number; encoding: string; isEmpty: boolean; signal: AbortSignal },
): Promise<Buffer> {
  const { maxBytes, signal } = options;
  const kept: Buffer[] = [];
  const count = counter(maxBytes);
  const collect = new Writable({
    write(chunk: Buffer, _encoding, done) {
      const problem = count(chunk);
      if (problem === null) kept.push(chunk);
      done(problem);
    },
  });
  // Of nothing, gunzip would miss the header.
  const unpack = options.isEmpty ? null : unpacker(options.encoding);
  if (unpack === null) await pipeline(response, collect, { signal });
  else await pipeline(response, counted(maxBytes + PACKED_EXTRA_BYTES), unpack, collect, { signal });
  return Buffer.concat(kept);
}

/** @returns what is wrong with having got this piece too */
function counter(maxBytes: number): (piece: Buffer) => SeedError | null {
  let sizeBytes = 0;
  let pieces = 0;
  return (piece) => {
    sizeBytes += piece.length;
    pieces += 1;
    if (sizeBytes > maxBytes) return new SeedError('payload_too_large', `the answer has more than ${maxBytes} bytes`);
    if (pieces > MAX_PIECES + sizeBytes / MIN_PIECE_BYTES) {
      return new SeedError('unavailable', `${sizeBytes} bytes came in ${pieces} pieces, which is too many`);
    }
    return null;
  };
}

function counted(maxBytes: number): Transform {
  const count = counter(maxBytes);
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      done(count(chunk), chunk);
    },
  });
}

function unpacker(encoding: string): Transform | null {
  switch (encoding.trim().toLowerCase()) {
    case '':
    case 'identity':
      return null;
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    default:
      throw new SeedError('unavailable', `the answer is packed as ${JSON.stringify(encoding.slice(0, 60))}, which was not asked for`);
  }
}
