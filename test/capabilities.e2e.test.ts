// What agents may be granted, on the whole program: the operator's policy, ctx.fetch to a server on this machine, ctx.call, and
// what is written down of both.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createAgents, upload } from './fixtures.ts';
import { endOfSeed, startSeed } from './seed-process.ts';
import { until } from './until.ts';

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'seed-policy-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

test('agents fetch and call within the policy, and are refused beyond it', async () => {
  const server = createServer((request, response) =>
    response.end(request.headers.authorization === 'Bearer s3cret-of-the-node' ? '20' : '0'),
  );
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const dataDir = await folder();
  const policy = {
    policy: 1,
    fetch: { allow_private: [`127.0.0.1:${port}`, `[::1]:${port}`] },
    agents: {
      '*': {
        fetch: {
          hosts: [`localhost:${port}`],
          requests: 20,
          secret_headers: { [`localhost:${port}`]: { authorization: { env: 'API_TOKEN', prefix: 'Bearer ' } } },
        },
      },
    },
  };
  await writeFile(join(dataDir, 'policy.json'), JSON.stringify(policy, null, 2));
  // Proxies of the environment are nobody's business here: with one that is not there, nothing would be reached.
  const env = {
    API_TOKEN: 's3cret-of-the-node',
    HTTP_PROXY: 'http://127.0.0.1:9',
    HTTPS_PROXY: 'http://127.0.0.1:9',
    NODE_USE_ENV_PROXY: '1',
  };
  await using seed = await startSeed({ dataDir, env });
  const granting = (hosts: string): string => `capabilities: ['fetch'], grants: { fetch: { hosts: [${hosts}] } },`;
  const fetching = `return ctx.fetch('http://localhost:${port}/').then(({ text }) => ({ n: Number(text) + input.n }));`;
  const calling = `return ctx.call('reader', { n: input.n }).then((answer) => ({ n: (answer as { n: number }).n * 2 }));`;
  await createAgents(seed, [
    upload('reader', fetching, granting(`'localhost:${port}'`)),
    upload('boss', calling, `capabilities: ['call'], grants: { call: { agents: ['reader'] } },`),
  ]);
  expect(await seed.api('POST', '/api/agents/boss/invoke', { input: { n: 1 } })).toMatchObject({ status: 200, body: { data: { n: 42 } } });
  const refused = await seed.api<{ code: string; error: string }>(
    'POST',
    '/api/agents',
    upload('wide', fetching, granting(`'localhost:${port}', 'api.example.com'`)),
  );
  expect(refused).toMatchObject({ status: 422, body: { code: 'policy_refused' } });
  expect(refused.body.error).toMatch(/wide: grants\.fetch\.hosts\[1\]: "api\.example\.com" is more than .*policy\.json:\d+ allows/);
  const query = `select agent, capability, target, outcome from capability_uses order by capability`;
  const written = await until(
    () => seed.api<{ data: unknown }>('POST', '/api/database/query', { sql: query }, { 'X-Confirm': 'database:query' }),
    ({ body }) => JSON.stringify(body).includes('localhost'),
  );
  expect(JSON.stringify(written.body)).toContain('reader');
  const metrics = await (await fetch(`${seed.url}/metrics`, { headers: { Authorization: `Bearer ${seed.token}` } })).text();
  expect(metrics).toMatch(/seed_capability_requests_total\{.*capability="fetch".*outcome="ok".*\} 1/);
  expect(seed.output()).not.toContain('s3cret');
});

test('a policy that is wrong ends the start with 78, the line and the reason', async () => {
  const dataDir = await folder();
  await writeFile(join(dataDir, 'policy.json'), '{\n  "policy": 1,\n  "agents": {\n    "*": { "fetch": { "hosts": ["*"] } }\n  }\n}\n');
  const { code, output } = await endOfSeed(dataDir);
  expect(code).toBe(78);
  expect(output).toMatch(/POLICY_FILE: .*policy\.json:4: agents\.\*\.fetch\.hosts\.0: "\*" is no host/);
  const missing = await endOfSeed(await folder(), { env: { POLICY_FILE: '/nowhere/policy.json' } });
  expect([missing.code, missing.output]).toEqual([
    78,
    expect.stringContaining('POLICY_FILE=/nowhere/policy.json can not be read (ENOENT)'),
  ]);
});
