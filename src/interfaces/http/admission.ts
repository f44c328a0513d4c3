// Who a request comes from: a bearer token, else the session cookie, else a stranger.
import type { IncomingMessage } from 'node:http';
import { SeedError } from '#lib/error.ts';
import type { Authenticator } from '#operation/authenticator.ts';
import { STRANGER, type Principal } from '#operation/principal.ts';
import type { SessionCookie } from './cookie.ts';
import type { FailedAttempts } from './failed-attempts.ts';
import { bearerOf, type Guard } from './guard.ts';

export interface AdmissionOptions {
  authenticator: Authenticator;
  cookie: SessionCookie;
  guard: Guard;
  failedAttempts: FailedAttempts;
}

export interface Admission {
  /**
   * Synchronous for a bearer: the hot path has one tick less.
   * @throws SeedError `unauthenticated`, `rate_limited` for a wrong secret; `forbidden` for a change asked for by another site
   */
  admit(incoming: IncomingMessage): Principal | Promise<Principal>;
  /** The same for what strangers may ask too; a wrong secret is refused all the same. */
  admitAnyone(incoming: IncomingMessage): Principal | Promise<Principal>;
}

const HINT = 'send "Authorization: Bearer <token>"; the admin token is in the data folder (admin.token)';

export function createAdmission({ authenticator, cookie, guard, failedAttempts }: AdmissionOptions): Admission {
  function identify(incoming: IncomingMessage): Principal | Promise<Principal> {
    const token = bearerOf(incoming);
    if (token !== undefined) {
      const principal = authenticator.bearer(token);
      if (principal !== null) return principal;
      throw failedAttempts.refuse(incoming.socket.remoteAddress, 'the bearer token is not valid', HINT);
    }
    if (incoming.headers.authorization !== undefined) {
      throw new SeedError('unauthenticated', 'only bearer tokens are understood', { hint: HINT });
    }
    const secret = cookie.read(incoming.headers.cookie);
    if (secret === undefined) return STRANGER;
    if (!guard.isOurs(incoming)) {
      throw new SeedError('forbidden', 'the request comes from a page of another site', {
        hint: 'PUBLIC_URL must be the address in the browser; programs send a bearer token',
      });
    }
    return fromSession(secret, incoming);
  }

  async function fromSession(secret: string, incoming: IncomingMessage): Promise<Principal> {
    const principal = await authenticator.session(secret);
    if (principal !== null) return principal;
    throw failedAttempts.refuse(incoming.socket.remoteAddress, 'the session has ended', 'sign in again at /sign-in');
  }

  return {
    admitAnyone: identify,
    admit(incoming) {
      const principal = identify(incoming);
      return principal instanceof Promise ? principal : refuseStranger(principal);
    },
  };
}

function refuseStranger(principal: Principal): Principal {
  if (principal !== STRANGER) return principal;
  throw new SeedError('unauthenticated', 'this needs to know who you are', { hint: HINT });
}
