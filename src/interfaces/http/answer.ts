// What goes out: envelopes, errors and the headers that every answer has.
import { toSeedError, type SeedError } from '#lib/error.ts';
import { stringify } from '#operation/raw-json.ts';

/** Headers of answers that are data: nothing may store them or guess their type. */
export function dataHeaders(requestId: string, contentType: string): Record<string, string> {
  return {
    'content-type': contentType,
    'x-request-id': requestId,
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  };
}

export const JSON_TYPE = 'application/json';

/** `{data}`, or `{data, page_info}` for a page in wire names. */
export function envelope(output: unknown, isPage: boolean): string {
  if (!isPage) return `{"data":${stringify(output)}}`;
  const { items, page_info } = output as { items: unknown; page_info: unknown };
  return JSON.stringify({ data: items, page_info });
}

/** `{error, code, details?, hint?}` with the status of the code. */
export function failure(error: unknown, requestId: string, extra: Readonly<Record<string, string>> = {}): Response {
  const seedError = toSeedError(error);
  return new Response(failureJson(seedError), { status: seedError.status, headers: { ...failureHeaders(seedError, requestId), ...extra } });
}

export function failureHeaders(seedError: SeedError, requestId: string): Record<string, string> {
  const headers = dataHeaders(requestId, JSON_TYPE);
  if (seedError.retryAfterMs !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(seedError.retryAfterMs / 1000)));
  if (seedError.code === 'unauthenticated') headers['www-authenticate'] = 'Bearer';
  // What is still being sent is not read to its end.
  if (seedError.code === 'payload_too_large') headers['connection'] = 'close';
  return headers;
}

export function failureJson(error: SeedError): string {
  const { message, code, details, hint } = error;
  return JSON.stringify({ error: message, code, details, hint });
}
