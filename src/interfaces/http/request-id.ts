// The id of a request: the caller's, where it can be written into a log, else our own.
import type { IncomingMessage } from 'node:http';
import { uuidv7 } from '#lib/id.ts';

const USABLE = /^[A-Za-z0-9._-]{8,64}$/;

export function requestIdOf(incoming: IncomingMessage): string {
  const given = incoming.headers['x-request-id'];
  return typeof given === 'string' && USABLE.test(given) ? given : uuidv7();
}
