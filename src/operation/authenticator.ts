// Port: who is at the door. The surfaces ask it before they ask the gate.
import type { Principal } from './principal.ts';

export interface NewSession {
  /** Goes into the cookie; only its hash is kept. */
  secret: string;
  /** ms since the epoch: not valid after this, however often it is used. */
  expiresAtMs: number;
}

export interface Authenticator {
  /** Whose token it is; null: nobody's. Takes the same time for every wrong token of one length. */
  bearer(token: string): Principal | null;
  /** Whose session it is; null: forged, expired or signed out. */
  session(secret: string): Promise<Principal | null>;
  /** Whether a sign-in link can still be redeemed. Looking does not use it up. */
  linkIsOpen(secret: string): boolean;
  /** Use a sign-in link up; null: forged, used or expired. */
  redeemLink(secret: string): Promise<NewSession | null>;
  /** A session for whoever holds the admin token; null: it is another one. */
  redeemToken(token: string): Promise<NewSession | null>;
  /** Ends a session; one that is not known is ended already. */
  signOut(secret: string): Promise<void>;
}
