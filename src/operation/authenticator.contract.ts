// What every adapter of the authenticator port must do.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Authenticator } from './authenticator.ts';

export interface AuthenticatorUnderTest {
  authenticator: Authenticator;
  adminToken: string;
  /** The secret of a fresh sign-in link. */
  newLink: () => string;
  close?: () => Promise<void>;
}

export function authenticatorContract(name: string, open: () => Promise<AuthenticatorUnderTest>): void {
  describe(`the authenticator port: ${name}`, () => {
    let it: AuthenticatorUnderTest;
    beforeAll(async () => {
      it = await open();
    });
    afterAll(() => it.close?.());

    test('knows whoever holds the admin token, and nobody else', () => {
      expect(it.authenticator.bearer(it.adminToken)).toMatchObject({ roles: ['admin'], scopes: ['*'] });
      for (const wrong of ['', it.adminToken.slice(1), `${it.adminToken}x`, it.adminToken.toUpperCase(), 'x'.repeat(100_000), '\0', 'é']) {
        expect(it.authenticator.bearer(wrong)).toBeNull();
      }
    });

    test('a link is open until it is redeemed, once', async () => {
      const secret = it.newLink();
      expect([it.authenticator.linkIsOpen(secret), it.authenticator.linkIsOpen(secret)]).toEqual([true, true]);
      const session = await it.authenticator.redeemLink(secret);
      expect(session?.secret).toBeTruthy();
      expect(it.authenticator.linkIsOpen(secret)).toBe(false);
      expect(await it.authenticator.redeemLink(secret)).toBeNull();
      expect(await it.authenticator.session(session?.secret ?? '')).toMatchObject({ kind: 'user', roles: ['admin'] });
    });

    test('a link that is redeemed twice at once gives one session', async () => {
      const secret = it.newLink();
      const sessions = await Promise.all([it.authenticator.redeemLink(secret), it.authenticator.redeemLink(secret)]);
      expect(sessions.filter((session) => session !== null)).toHaveLength(1);
    });

    test('a forged link and a forged session are nobody', async () => {
      for (const forged of ['', 'x', 'x'.repeat(43), `${it.newLink()}x`]) {
        expect(it.authenticator.linkIsOpen(forged)).toBe(false);
        expect(await it.authenticator.redeemLink(forged)).toBeNull();
        expect(await it.authenticator.session(forged)).toBeNull();
      }
    });

    test('the admin token gives a session, another one does not', async () => {
      const session = await it.authenticator.redeemToken(it.adminToken);
      expect(await it.authenticator.session(session?.secret ?? '')).not.toBeNull();
      expect(await it.authenticator.redeemToken('x'.repeat(43))).toBeNull();
    });

    test('signing out ends one session, and only that one', async () => {
      const [one, two] = [await it.authenticator.redeemToken(it.adminToken), await it.authenticator.redeemToken(it.adminToken)];
      await it.authenticator.signOut(one?.secret ?? '');
      await it.authenticator.signOut('never was one');
      expect(await it.authenticator.session(one?.secret ?? '')).toBeNull();
      expect(await it.authenticator.session(two?.secret ?? '')).not.toBeNull();
    });
  });
}
