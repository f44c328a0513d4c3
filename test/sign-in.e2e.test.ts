// The link that a start prints: it works once, for whoever presses the button on it, and for nobody who only looks or guesses.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSeed, type SeedProcess } from './seed-process.ts';

let dataDir: string;
let seed: SeedProcess;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'seed-sign-in-'));
  seed = await startSeed({ dataDir, isFirst: true });
});
afterAll(async () => {
  await seed[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true, force: true });
});

const printedLink = (): string => /sign in +(http:\S+\/sign-in\/\S+)/.exec(seed.output())?.[1] ?? '';
const press = (link: string, origin = new URL(link).origin) => fetch(link, { method: 'POST', headers: { origin }, redirect: 'manual' });
const status = (cookie: string) => fetch(`${seed.url}/status`, { headers: { cookie, accept: 'text/html' }, redirect: 'manual' });
const cookieOf = (response: Response): string => response.headers.get('set-cookie')?.split(';')[0] ?? '';

test('a link is used once, survives being looked at, and its session outlives the node', async () => {
  const link = printedLink();
  for (const method of ['GET', 'HEAD', 'GET']) expect((await fetch(link, { method })).status).toBe(200);
  expect((await press(link, 'https://evil.example')).status).toBe(403);
  const first = await press(link);
  expect([first.status, first.headers.get('location')]).toEqual([303, '/status']);
  expect(first.headers.get('set-cookie')).toMatch(/; HttpOnly; SameSite=Lax$/);
  const cookie = cookieOf(first);
  expect((await status(cookie)).status).toBe(200);

  // Used: whoever comes second learns why, and gets nothing.
  const second = await press(link);
  expect([second.status, second.headers.get('set-cookie')]).toEqual([403, null]);
  expect(await second.text()).toMatch(/can not be used[^]*admin\.token/);
  expect((await fetch(link)).status).toBe(403);
  expect((await status(cookie)).status).toBe(200);

  // A link ends with the node that printed it, a session does not.
  const unused = await restart();
  expect((await press(unused.replace(/\/\/[^/]+/, `//${new URL(seed.url).host}`))).status).toBe(403);
  // The cookie's name has the port in it: nodes on one machine do not sign each other out.
  const renamed = cookie.replace(/seed_session_\d+/, `seed_session_${new URL(seed.url).port}`);
  expect((await status(renamed)).status).toBe(200);
  const out = await fetch(`${seed.url}/sign-out`, { method: 'POST', headers: { cookie: renamed, origin: seed.url } });
  expect(out.status).toBe(200);
  expect((await status(renamed)).status).toBe(303);
});

/** @returns a link of the former life that nobody used */
async function restart(): Promise<string> {
  await seed.stop();
  seed = await startSeed({ dataDir });
  const unused = printedLink();
  await seed.stop();
  seed = await startSeed({ dataDir });
  return unused;
}

test('a forged link is refused, guessing is slowed down, and the true one still opens', async () => {
  const link = printedLink();
  const secret = link.slice(link.lastIndexOf('/') + 1);
  const forge = (text: string) => `${seed.url}/sign-in/${text}`;
  const flipped = `${secret.startsWith('A') ? 'B' : 'A'}${secret.slice(1)}`;
  for (const text of [flipped, secret.slice(0, -1), `${secret}A`, secret.toLowerCase(), '..%2f..', '%00', 'x'.repeat(5_000)]) {
    expect([400, 403]).toContain((await fetch(forge(text))).status);
    const pressed = await press(forge(text));
    expect([[400, 403], pressed.headers.get('set-cookie')]).toEqual([expect.arrayContaining([pressed.status]), null]);
  }
  let slowed = 0;
  for (let n = 0; n < 40 && slowed === 0; n += 1) if ((await press(forge(flipped))).status === 429) slowed += 1;
  expect(slowed).toBe(1);
  // Forged sessions are strangers too; the right secret is never locked out by wrong ones.
  expect((await status(`seed_session_${new URL(seed.url).port}=${flipped}`)).status).not.toBe(200);
  expect((await seed.api('GET', '/api/agents')).status).toBe(200);
  expect((await press(link)).status).toBe(303);
});
