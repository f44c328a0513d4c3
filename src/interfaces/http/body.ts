// The body of a request: bounded while it comes, then parsed once.
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { SeedError } from '#lib/error.ts';

/** Deeper JSON is refused before it is parsed: what walks it later may be recursive. */
export const MAX_JSON_DEPTH = 64;

/**
 * The object in a JSON body; an empty body is an empty object.
 * @throws SeedError `payload_too_large`, `unsupported_media_type`, `bad_request`, `invalid_input`
 */
export async function readJsonBody(incoming: IncomingMessage, limitBytes: number): Promise<Record<string, unknown>> {
  const bytes = await readBody(incoming, limitBytes);
  if (bytes.length === 0) return {};
  if (!isJson(incoming.headers['content-type'])) {
    const given = incoming.headers['content-type'] ?? 'none';
    throw new SeedError('unsupported_media_type', `the body is JSON, its content type says ${given}`, {
      hint: 'send Content-Type: application/json',
    });
  }
  if (!isUtf8(bytes)) throw new SeedError('bad_request', 'the body is not UTF-8');
  refuseDeepJson(bytes);
  const value = parse(bytes.toString('utf8'));
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
  const issue = { path: '', message: 'the body is an object with the members of the input' };
  throw new SeedError('invalid_input', issue.message, { details: [issue] });
}

/** Of a body that is too large: it is read to its end and forgotten, because who is cut off while sending never gets to read why. */
const DISCARDED_BYTES = 67_108_864;

/** @throws SeedError `payload_too_large`, `unsupported_media_type` when it is compressed, `cancelled` when the caller went away */
export function readBody(incoming: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const announced = Number(incoming.headers['content-length'] ?? 0);
  if (announced > DISCARDED_BYTES) throw tooLarge(limitBytes);
  const encoding = incoming.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw new SeedError('unsupported_media_type', `a body in ${encoding.slice(0, 40)} is not read`, { hint: 'send it as it is' });
  }
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let sizeBytes = 0;
    let isOver = false;
    const gone = (): void => {
      // After the end this event comes too, and means nothing: then no error is made (they are dear).
      if (!isOver) reject(new SeedError('cancelled', 'the caller went away while sending', { cause: incoming.errored }));
    };
    // Gone while somebody was asked who it is: then no event comes any more.
    if (incoming.destroyed && !incoming.readableEnded) return gone();
    incoming.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length;
      if (sizeBytes <= limitBytes) return void chunks.push(chunk);
      chunks = [];
      if (sizeBytes <= DISCARDED_BYTES || isOver) return;
      isOver = true;
      reject(tooLarge(limitBytes));
    });
    incoming.on('end', () => {
      isOver = true;
      if (sizeBytes > limitBytes) reject(tooLarge(limitBytes));
      else resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
    });
    incoming.on('close', gone);
  });
}

function isJson(contentType: string | undefined): boolean {
  if (contentType === 'application/json') return true;
  return contentType !== undefined && /^application\/(?:[a-z0-9.+-]+\+)?json\s*(?:;|$)/i.test(contentType);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new SeedError('bad_request', `the body is not JSON: ${(cause as Error).message.slice(0, 200)}`);
  }
}

const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d];

/** Counts brackets outside strings; what is not JSON at all is left for the parser to refuse. */
function refuseDeepJson(bytes: Uint8Array): void {
  let depth = 0;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index];
    if (byte === QUOTE) {
      for (index += 1; index < bytes.length && bytes[index] !== QUOTE; index += 1) if (bytes[index] === BACKSLASH) index += 1;
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      depth += 1;
      if (depth > MAX_JSON_DEPTH) {
        throw new SeedError('bad_request', `the body is nested deeper than ${MAX_JSON_DEPTH} levels`);
      }
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) depth -= 1;
  }
}

function tooLarge(limitBytes: number): SeedError {
  return new SeedError('payload_too_large', `the body is larger than ${limitBytes} bytes`);
}
