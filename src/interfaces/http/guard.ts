// Which requests may come in at all: names under which the node answers (against DNS rebinding), and, where the caller is
// known by a cookie, pages of our own only (hono/csrf lets JSON from anywhere pass).
import type { IncomingMessage } from 'node:http';
import { SeedError } from '#lib/error.ts';

export interface GuardOptions {
  /** What the listener is bound to. */
  host: string;
  /** Where people reach it, behind a proxy. */
  publicUrl: string | undefined;
}

export interface Guard {
  /** @throws SeedError `forbidden` for a Host that is not ours. */
  checkHost(incoming: IncomingMessage): void;
  /** Whether what changes something comes from a page of ours; always true for what only reads, and for a bearer. */
  isOurs(incoming: IncomingMessage): boolean;
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
const ANY_ADDRESS = new Set(['0.0.0.0', '::', '']);

export function createGuard({ host, publicUrl }: GuardOptions): Guard {
  const names = new Set(['localhost', '127.0.0.1', '[::1]']);
  if (!ANY_ADDRESS.has(host)) names.add(host.includes(':') ? `[${host}]` : host.toLowerCase());
  const origin = publicUrl === undefined ? undefined : new URL(publicUrl).origin;
  if (publicUrl !== undefined) names.add(new URL(publicUrl).hostname);
  let lastGood: string | undefined;
  return {
    checkHost(incoming) {
      const header = incoming.headers.host ?? '';
      // One name per client, as a rule: the last good one is not taken apart again.
      if (header === lastGood) return;
      if (names.has(nameIn(header))) {
        lastGood = header;
        return;
      }
      throw new SeedError('forbidden', `this node does not answer as ${JSON.stringify(header.slice(0, 100))}`, {
        hint: 'set PUBLIC_URL to the address under which it is reached',
      });
    },
    isOurs(incoming) {
      if (SAFE_METHODS.has(incoming.method ?? '') || bearerOf(incoming) !== undefined) return true;
      if (incoming.headers['sec-fetch-site'] === 'same-origin') return true;
      const from = incoming.headers.origin;
      return from !== undefined && (from === origin || from === `http://${incoming.headers.host ?? ''}`);
    },
  };
}

/** The token of `Authorization: Bearer`. */
export function bearerOf(incoming: IncomingMessage): string | undefined {
  const header = incoming.headers.authorization;
  if (header === undefined) return undefined;
  return header.startsWith('Bearer ') || /^bearer /i.test(header) ? header.slice(7).trim() : undefined;
}

/** `localhost:4000` → `localhost`, `[::1]:4000` → `[::1]`. */
function nameIn(host: string): string {
  return host.replace(/:\d*$/, '').toLowerCase();
}
