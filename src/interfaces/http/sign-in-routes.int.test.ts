import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { authenticatorContract } from '#operation/authenticator.contract.ts';
import { html } from 'hono/html';
import { memoryAuthenticator, openDoor, TOKEN, type Door } from './fixture.ts';

authenticatorContract('in memory', async () => {
  const authenticator = memoryAuthenticator();
  let count = 1;
  const newLink = (): string => {
    count += 1;
    authenticator.links.add(`link-${count}`);
    return `link-${count}`;
  };
  return { authenticator, adminToken: TOKEN, newLink };
});

let door: Door;
const page = {
  path: '/status',
  permission: { resource: 'pots', action: 'read' },
  render: async ({ principal, call }: { principal: { id: string }; call: (name: string) => Promise<unknown> }) => ({
    title: '<Status>',
    body: html`<p>${principal.id} & <b>${JSON.stringify(await call('garden:health'))}</b></p>`,
  }),
};
beforeEach(async () => {
  door = await openDoor({ closed: true });
  door.open([page]);
});
afterEach(() => door[Symbol.asyncDispose]());

const own = (): Record<string, string> => ({ origin: `http://127.0.0.1:${door.port}`, host: `127.0.0.1:${door.port}` });
const cookieOf = (setCookie: string | undefined): string => (setCookie ?? '').split(';')[0] ?? '';
async function signIn(): Promise<string> {
  const reply = await door.ask('POST', '/sign-in/link-1', { stranger: true, headers: own() });
  return cookieOf(reply.headers['set-cookie']?.[0]);
}

describe('a link', () => {
  test('is not used up by looking at it, with GET or HEAD', async () => {
    for (const method of ['GET', 'HEAD', 'GET']) {
      const reply = await door.ask(method, '/sign-in/link-1', { stranger: true });
      expect(reply.status).toBe(200);
      if (method === 'GET') expect(reply.text).toMatch(/<form method="post" action="\/sign-in\/link-1">/);
    }
    expect(door.authenticator.links.has('link-1')).toBe(true);
  });

  test('its button gives a session cookie once', async () => {
    const reply = await door.ask('POST', '/sign-in/link-1', { stranger: true, headers: own() });
    expect([reply.status, reply.headers['location']]).toEqual([303, '/status']);
    expect(reply.headers['set-cookie']).toEqual([
      expect.stringMatching(new RegExp(`^seed_session_${door.port}=session-1; Max-Age=\\d+; Path=/; HttpOnly; SameSite=Lax$`)),
    ]);
    const again = await door.ask('POST', '/sign-in/link-1', { stranger: true, headers: own() });
    expect([again.status, again.headers['set-cookie']]).toEqual([403, undefined]);
    expect(again.text).toMatch(/can not be used/);
    expect((await door.ask('GET', '/sign-in/link-1', { stranger: true })).status).toBe(403);
  });

  test('a forged one is refused with a page that says what to do', async () => {
    const reply = await door.ask('GET', `/sign-in/${encodeURIComponent('"><script>alert(1)</script>')}`, { stranger: true });
    expect(reply.status).toBe(403);
    expect(reply.text).toContain('admin.token');
    expect(reply.text).not.toContain('<script');
  });

  test('is not redeemed for another site', async () => {
    const foreign: Record<string, string>[] = [
      { ...own(), origin: 'https://evil.example' },
      { host: own()['host'] ?? '' },
      { ...own(), origin: 'null' },
    ];
    for (const headers of foreign) {
      expect((await door.ask('POST', '/sign-in/link-1', { stranger: true, headers })).status).toBe(403);
    }
    expect(door.authenticator.links.has('link-1')).toBe(true);
  });
});

describe('the cookie', () => {
  test('opens what the bearer opens', async () => {
    const cookie = await signIn();
    expect((await door.ask('GET', '/api/pots/p1', { stranger: true, headers: { cookie } })).status).toBe(200);
    const shown = await door.ask('GET', '/status', { stranger: true, headers: { cookie } });
    expect(shown.text).toContain('gardener & <b>{&quot;status&quot;:&quot;pass&quot;');
    expect(shown.text).toContain('<title>&lt;Status&gt; · Seed Agent</title>');
  });

  test('among others, and not by a name that only ends like it', async () => {
    const cookie = await signIn();
    const ask = async (value: string) => (await door.ask('GET', '/api/pots/p1', { stranger: true, headers: { cookie: value } })).status;
    expect(await ask(`a=b; ${cookie}; c=d`)).toBe(200);
    expect(await ask(`x${cookie}`)).toBe(401);
    expect(await ask(cookie.replace('session-1', 'session-2'))).toBe(401);
  });

  test('a change asked for by another site is refused, JSON or form', async () => {
    const cookie = await signIn();
    const body = { pot_id: 'p9', plant: 'ivy' };
    const post = async (headers: Record<string, string>) =>
      (await door.ask('POST', '/api/pots', { stranger: true, body, headers: { cookie, host: own()['host'] ?? '', ...headers } })).status;
    expect(await post({ origin: 'https://evil.example' })).toBe(403);
    expect(await post({ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await post({ 'sec-fetch-site': 'same-site' })).toBe(403);
    expect(await post({ origin: `http://127.0.0.1:${door.port + 1}` })).toBe(403);
    expect(await post({ origin: `https://127.0.0.1:${door.port}` })).toBe(403);
    expect(await post({ origin: 'null' })).toBe(403);
    expect(await post({})).toBe(403);
    expect(door.ports.pots.has('p9')).toBe(false);
    expect(await post(own())).toBe(201);
    expect(await post({ 'sec-fetch-site': 'same-origin' })).toBe(409);
  });

  test('a bearer needs no origin, and decides even beside a cookie', async () => {
    const cookie = await signIn();
    const body = { pot_id: 'p9', plant: 'ivy' };
    expect((await door.ask('POST', '/api/pots', { body, headers: { origin: 'https://evil.example' } })).status).toBe(201);
    expect((await door.ask('GET', '/api/pots/p1', { headers: { cookie, authorization: 'Bearer wrong' } })).status).toBe(401);
    expect((await door.ask('GET', '/api/pots/p1', { stranger: true, headers: { cookie, authorization: 'Basic eDp5' } })).status).toBe(401);
  });

  test('signing out ends it on the node and in the browser', async () => {
    const cookie = await signIn();
    expect(
      (await door.ask('POST', '/sign-out', { stranger: true, headers: { cookie, ...own(), origin: 'https://evil.example' } })).status,
    ).toBe(403);
    const reply = await door.ask('POST', '/sign-out', { stranger: true, headers: { cookie, ...own() } });
    expect(reply.status).toBe(200);
    expect(reply.headers['set-cookie']?.[0]).toBe(`seed_session_${door.port}=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax`);
    expect((await door.ask('GET', '/api/pots/p1', { stranger: true, headers: { cookie } })).status).toBe(401);
  });
});

test('behind https the cookie is secure and bound to its host, and the public origin is ours', async () => {
  await using secure = await openDoor({ publicUrl: 'https://seed.example' });
  const headers = { host: 'seed.example', origin: 'https://seed.example' };
  const reply = await secure.ask('POST', '/sign-in/link-1', { stranger: true, headers });
  expect(reply.headers['set-cookie']?.[0]).toMatch(
    /^__Host-seed_session_\d+=session-1; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
  );
  const cookie = cookieOf(reply.headers['set-cookie']?.[0]);
  expect(
    (await secure.ask('POST', '/api/pots', { stranger: true, body: { pot_id: 'p9', plant: 'ivy' }, headers: { ...headers, cookie } }))
      .status,
  ).toBe(201);
});

describe('the admin token in the form', () => {
  const post = (token: string, headers = own()) =>
    door.ask('POST', '/sign-in', {
      stranger: true,
      body: new URLSearchParams({ token }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    });

  test('opens the door', async () => {
    const reply = await post(` ${TOKEN}\n`);
    expect([reply.status, reply.headers['location'], reply.headers['set-cookie']?.length]).toEqual([303, '/status', 1]);
  });

  test('a wrong one does not, and too many wrong ones are slowed down', async () => {
    for (let count = 0; count < 20; count += 1) expect((await post('wrong')).status).toBe(403);
    expect((await post('wrong')).status).toBe(429);
    const bearer = await door.ask('GET', '/api/pots', { headers: { authorization: 'Bearer wrong' } });
    expect([bearer.status, bearer.headers['retry-after']]).toEqual([429, expect.stringMatching(/^\d+$/)]);
    // The right one is never locked out by the wrong ones of others.
    expect((await post(TOKEN)).status).toBe(303);
    expect((await door.ask('GET', '/api/pots')).status).toBe(200);
  });

  test('from another site, as JSON, or far too long is not accepted', async () => {
    expect((await post(TOKEN, { ...own(), origin: 'https://evil.example' })).status).toBe(403);
    expect((await door.ask('POST', '/sign-in', { stranger: true, body: { token: TOKEN }, headers: own() })).status).toBe(400);
    expect((await post('x'.repeat(5_000))).status).toBe(400);
  });
});

describe('names', () => {
  test.each(['evil.example', 'evil.example:4000', 'localhost.evil.example', '127.0.0.1.evil.example', '169.254.169.254'])(
    'the node does not answer as %j, whoever asks',
    async (host) => {
      for (const path of ['/api/pots', '/sign-in/link-1', '/', '/metrics', '/nowhere']) {
        const { status } = await door.ask('GET', path, { headers: { host } });
        expect([400, 403]).toContain(status);
      }
    },
  );

  test.each(['localhost', 'LOCALHOST:1', '127.0.0.1:99', '[::1]:4000'])('it answers as %s', async (host) => {
    expect((await door.ask('GET', '/api/pots', { headers: { host } })).status).toBe(200);
  });

  test('and as PUBLIC_URL says', async () => {
    await using other = await openDoor({ publicUrl: 'https://seed.example:8443/base' });
    expect((await other.ask('GET', '/api/pots', { headers: { host: 'seed.example:8443' } })).status).toBe(200);
    expect((await other.ask('GET', '/api/pots', { headers: { host: 'other.example' } })).json()).toMatchObject({
      code: 'forbidden',
      hint: expect.stringContaining('PUBLIC_URL') as string,
    });
  });
});

describe('pages', () => {
  test('have no scripts, nothing from elsewhere, and no frame around them', async () => {
    const reply = await door.ask('GET', '/sign-in', { stranger: true });
    expect(reply.headers).toMatchObject({
      'content-security-policy': expect.stringMatching(
        /^default-src 'none'; style-src 'sha256-[^']+'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
      ) as string,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
      'cache-control': 'no-store',
    });
    expect(reply.text).not.toMatch(/<script|style=|onclick|javascript:|https?:\/\//);
  });

  test('a browser that is not signed in is led to the door, a program is told', async () => {
    const browser = await door.ask('GET', '/status', { stranger: true, headers: { accept: 'text/html,*/*' } });
    expect([browser.status, browser.headers['location']]).toEqual([303, '/sign-in']);
    expect((await door.ask('GET', '/status', { stranger: true })).status).toBe(401);
    expect((await door.ask('GET', '/', { stranger: true })).headers['location']).toBe('/status');
  });

  test('that somebody may not see are refused', async () => {
    door.authenticator.bearer = () => ({ kind: 'token', id: 'metrics', roles: [], scopes: ['metrics:read'] });
    expect((await door.ask('GET', '/status')).status).toBe(403);
  });
});
