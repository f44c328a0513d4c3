// Sandbox hosts that can not be started any more, in a whole node: what needs none goes on, the node says which child is gone, and calls
// are answered again as soon as hosts start again. The program is a copy, so that the file a host begins with can be broken.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { pidsOf } from '../bench/crash/victims.ts';
import { createAgents, DOUBLE, upload } from './fixtures.ts';
import { killAll } from './processes.ts';
import { startSeed, type SeedProcess } from './seed-process.ts';
import { until } from './until.ts';

const PROJECT = new URL('..', import.meta.url).pathname;
const HOSTS = 'root/node/sandbox/serving';

let project: string;
let seed: SeedProcess;
beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'seed-project-'));
  cpSync(join(PROJECT, 'src'), join(project, 'src'), { recursive: true });
  cpSync(join(PROJECT, 'package.json'), join(project, 'package.json'));
  mkdirSync(join(project, 'node_modules'));
  for (const name of readdirSync(join(PROJECT, 'node_modules'))) {
    const [from, to] = [join(PROJECT, 'node_modules', name), join(project, 'node_modules', name)];
    // Hosts see the files of these two and no others: a link would lead them nowhere.
    if (['isolated-vm', 'node-gyp-build'].includes(name)) cpSync(from, to, { recursive: true });
    else symlinkSync(from, to);
  }
  seed = await startSeed({ project: `${project}/` });
  await createAgents(seed, [upload('double', DOUBLE)]);
});
afterAll(async () => {
  await seed[Symbol.asyncDispose]();
  rmSync(project, { recursive: true, force: true });
});
beforeEach(async () => {
  mendHosts();
  await until(call, ({ status }) => status === 200);
});

const LOADER = 'src/kernel/sandbox/host-loader.mjs';
const breakHosts = (program: string): void => writeFileSync(join(project, LOADER), program);
const mendHosts = (): void => cpSync(join(PROJECT, LOADER), join(project, LOADER));
async function killHosts(): Promise<void> {
  killAll(await pidsOf(seed, HOSTS));
}

const call = () =>
  seed.api<{ data: { n: number }; code?: string; error?: string }>('POST', '/api/agents/double/invoke', { input: { n: 2 } });

interface Deep {
  status: string;
  checks: Record<string, [{ status: string; output?: string }]>;
}
const deepHealth = () => seed.api<Deep>('GET', '/health/deep');
const childrenCheck = (body: Deep) => body.checks['supervision:children']?.[0];

test('hosts that end at their start: their supervisor gives up, and the node does not', async () => {
  const { nodePid } = seed;
  breakHosts("throw new Error('no such library');\n");
  await killHosts();
  const { body } = await until(deepHealth, (answer) => answer.status === 503 && childrenCheck(answer.body)?.status === 'warn');
  expect(body.status).toBe('degraded');
  expect(childrenCheck(body)?.output).toMatch(
    /^root\/node\/sandbox: serving-[12] failed more than 50 times in 10000 ms \(.*no such library.*; tried again at \d{4}-/s,
  );
  expect(body.checks['sandbox:serving-hosts']?.[0].status).toBe('fail');

  // Told at once, not after ten seconds of waiting for a host.
  const answers = await Promise.all([call(), call(), call()]);
  expect(answers.map((answer) => [answer.status, answer.body.code])).toEqual(answers.map(() => [503, 'unavailable']));
  expect((await fetch(`${seed.url}/health`)).status).toBe(200);
  for (const path of ['/api/agents', '/api/code/double/versions', '/api/config', '/api/improvements', '/api/agents/double/calls'])
    expect([path, (await seed.api('GET', path)).status]).toEqual([path, 200]);
  const shown = await seed.api<{ data: { tree: { path: string; status: string; last_exit: string | null }[] } }>(
    'GET',
    '/api/system/status',
  );
  // It may just be tried again.
  expect(['stopped', 'restarting']).toContain(shown.body.data.tree.find(({ path }) => path === 'root/node/sandbox')?.status);
  const metrics = await (await fetch(`${seed.url}/metrics`, { headers: { authorization: `Bearer ${seed.token}` } })).text();
  expect(metrics).toMatch(/^seed_supervisor_escalations_total\{[^}]*supervisor="sandbox"[^}]*\} [1-9]/m);

  mendHosts();
  await until(call, (answer) => answer.status === 200);
  await until(deepHealth, (answer) => answer.status === 200 && childrenCheck(answer.body)?.status === 'pass');
  expect(seed.nodePid).toBe(nodePid);
  expect(JSON.stringify((await seed.api('GET', '/api/system/status')).body)).toContain(`"pid":${nodePid}`);
});

test('a supervisor that has given up is started by hand', async () => {
  breakHosts("throw new Error('no such library');\n");
  await killHosts();
  await until(deepHealth, (answer) => answer.status === 503 && childrenCheck(answer.body)?.status === 'warn');
  const restart = () =>
    seed.api<{ code?: string }>('POST', '/api/system/restart', { child: 'root/node/sandbox' }, { 'x-confirm': 'system:restart' });
  const refused = await restart();
  expect([refused.status, refused.body.code]).toEqual([409, 'invalid_state']);
  mendHosts();
  expect((await restart()).status).toBeLessThan(300);
  expect((await call()).status).toBe(200);
});

test('hosts that start and never become ready are ended, and everything else is answered meanwhile', async () => {
  breakHosts('setInterval(() => undefined, 1_000);\n');
  await killHosts();
  const waiting = await until(
    () => seed.api<{ data: { tree: { path: string; status: string }[] } }>('GET', '/api/system/status'),
    ({ body }) => body.data.tree.filter(({ path, status }) => path.startsWith(HOSTS) && status === 'restarting').length > 0,
  );
  expect(waiting.status).toBe(200);
  await until(seed.output, (text) => text.includes('a sandbox host did not become ready: nothing after'));
  mendHosts();
  await until(call, (answer) => answer.status === 200);
});
