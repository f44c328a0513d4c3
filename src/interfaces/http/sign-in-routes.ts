// The routes behind the sign-in pages.
import type { Hono } from 'hono';
import type { HttpBindings } from '@hono/node-server';
import type { IncomingMessage } from 'node:http';
import { toSeedError } from '#lib/error.ts';
import type { Authenticator, NewSession } from '#operation/authenticator.ts';
import { readBody } from './body.ts';
import type { SessionCookie } from './cookie.ts';
import type { FailedAttempts } from './failed-attempts.ts';
import type { Guard } from './guard.ts';
import { deadLinkPage, foreignPage, linkPage, signedOutPage, tokenPage } from './sign-in-page.ts';

/** Paths that no operation may take. */
export const SIGN_IN_PATHS = ['/sign-in', '/sign-in/:secret', '/sign-out'] as const;

export interface SignInOptions {
  authenticator: Authenticator;
  cookie: SessionCookie;
  guard: Guard;
  failedAttempts: FailedAttempts;
  /** Where people go once they are in. */
  landing: string;
  nowMs: () => number;
}

const MAX_FORM_BYTES = 4_096;

export function addSignInRoutes(app: Hono<{ Bindings: HttpBindings }>, options: SignInOptions): void {
  const { authenticator, cookie, guard, failedAttempts, landing, nowMs } = options;

  const welcome = (session: NewSession): Response => {
    const maxAgeSeconds = Math.floor((session.expiresAtMs - nowMs()) / 1000);
    return new Response(null, {
      status: 303,
      headers: {
        location: landing,
        'set-cookie': cookie.set(session.secret, maxAgeSeconds),
        'cache-control': 'no-store',
        'referrer-policy': 'same-origin',
      },
    });
  };

  /** Too many wrong ones from here, or just wrong: the page is the same, its status and words are not. */
  const refused = (incoming: IncomingMessage, problem: string): Promise<Response> => {
    const error = failedAttempts.refuse(incoming.socket.remoteAddress, problem);
    return error.code === 'rate_limited' ? tokenPage('Too many wrong attempts. Wait a minute.', 429) : tokenPage(problem, 403);
  };

  app.get('/sign-in', () => tokenPage());
  // Looking (GET, HEAD) never uses the link up.
  app.get('/sign-in/:secret', (c) => {
    const secret = c.req.param('secret');
    return authenticator.linkIsOpen(secret) ? linkPage(`/sign-in/${encodeURIComponent(secret)}`) : deadLinkPage();
  });
  app.post('/sign-in/:secret', async (c) => {
    const { incoming } = c.env;
    if (!guard.isOurs(incoming)) return foreignPage();
    const session = await authenticator.redeemLink(c.req.param('secret'));
    if (session !== null) return welcome(session);
    const error = failedAttempts.refuse(incoming.socket.remoteAddress, 'the link can not be used');
    return error.code === 'rate_limited' ? tokenPage('Too many wrong attempts. Wait a minute.', 429) : deadLinkPage();
  });
  app.post('/sign-in', async (c) => {
    const { incoming } = c.env;
    if (!guard.isOurs(incoming)) return foreignPage();
    const form = await readForm(incoming);
    if (typeof form === 'string') return tokenPage(form, 400);
    const session = await authenticator.redeemToken((form.get('token') ?? '').trim());
    return session === null ? refused(incoming, 'That is not the admin token.') : welcome(session);
  });
  app.post('/sign-out', async (c) => {
    const { incoming } = c.env;
    if (!guard.isOurs(incoming)) return foreignPage();
    const secret = cookie.read(incoming.headers.cookie);
    if (secret !== undefined) await authenticator.signOut(secret);
    return signedOutPage(cookie.clear());
  });
}

/** The fields, or what was wrong with the form. */
async function readForm(incoming: IncomingMessage): Promise<URLSearchParams | string> {
  if (!/^application\/x-www-form-urlencoded\b/i.test(incoming.headers['content-type'] ?? '')) return 'The form was not understood.';
  try {
    return new URLSearchParams((await readBody(incoming, MAX_FORM_BYTES)).toString('utf8'));
  } catch (error) {
    return `The form was not accepted: ${toSeedError(error).message}.`;
  }
}
