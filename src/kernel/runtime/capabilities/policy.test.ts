import { describe, expect, test } from 'vitest';
import { checkContract } from '../../compiler/contract-data.ts';
import { checkPolicy } from './policy-check.ts';
import { readPolicy } from './policy-file.ts';
import { defaultPolicy, type Policy } from './policy.ts';

function read(data: unknown, env: Readonly<Record<string, string>> = {}): Policy {
  const text = typeof data === 'string' ? data : JSON.stringify(data, null, 2);
  return readPolicy(text, { file: '/etc/policy.json', secret: (name) => env[name] });
}

function contract(given: object) {
  return checkContract({
    contract: 1,
    name: 'packer',
    summary: '',
    exports: [{ kind: 'call', name: 'handle', input: {}, output: {} }],
    limits: {},
    ...given,
  }).contract;
}

const FETCHING = { capabilities: ['fetch'], grants: { fetch: { hosts: ['api.example.com', '*.example.org'] } } };
const CALLING = { capabilities: ['call'], grants: { call: { agents: ['other'] } } };

describe('a file that is wrong says where', () => {
  test.each([
    ['{', /policy\.json is not JSON: /],
    ['[]', /policy\.json:1: Invalid input/],
    ['{}', /policy\.json:1: policy: /],
    ['{\n "policy": 2\n}', /policy\.json:2: policy: /],
    ['{\n "policy": 1,\n "policy": 1\n}', /policy\.json:3: .*unique/],
    ['{\n "policy": 1,\n "agent": {}\n}', /policy\.json:3: agent: Unrecognized key: "agent"/],
    [
      '{\n "policy": 1,\n "agents": {\n  "a": { "fetch": {\n   "hosts": ["*"] } } }\n}',
      /policy\.json:5: agents\.a\.fetch\.hosts\.0: "\*" is no host/,
    ],
    ['{\n "policy": 1,\n "agents": {\n  "a": { "capabilities": ["fly"] } }\n}', /policy\.json:4: agents\.a\.capabilities\.0: /],
    ['{\n "policy": 1,\n "agents": {\n  "A B": {} }\n}', /agents/],
    ['{\n "policy": 1,\n "agents": {\n  "a": { "fetch": { "per_minute": 0 } } }\n}', /policy\.json:4: agents\.a\.fetch\.per_minute: /],
    ['{"policy": 1, "fetch": {"allow_private": ["10.0.0.1"]}}', /"10\.0\.0\.1" is no address with a port/],
    ['{"policy": 1, "fetch": {"allow_private": ["*:80"]}}', /no address with a port/],
    ['{"policy": 1, "fetch": {"allow_private": ["localhost:80"]}}', /no address with a port/],
    ['{"policy": 1, "fetch": {"allow_private": ["10.0.0.0/33:80"]}}', /no address with a port/],
    ['{"policy": 1, "fetch": {"allow_private": ["[10.0.0.1]:80"]}}', /no address with a port/],
    ['{"policy": 1, "fetch": {"allow_private": ["10.0.0.1:70000"]}}', /no address with a port/],
    [
      '{"policy": 1,\n"agents": {"a": {"fetch": {"secret_headers": {"api.example.com": {\n"authorization": {"env": "NOT_SET"}}}}}}}',
      /policy\.json:3: agents\.a\.fetch\.secret_headers\.api\.example\.com\.authorization: NOT_SET is not set/,
    ],
    ['{"policy": 1, "agents": {"a": {"fetch": {"secret_headers": {"api.example.com": {"X-A": {"env": "A"}}}}}}}', /lower-case/],
  ])('%s', (text, message) => {
    const refusal = (() => {
      try {
        return read(text);
      } catch (error) {
        return error;
      }
    })();
    expect(refusal).toMatchObject({ code: 'configuration', message: expect.stringMatching(message) });
    expect((refusal as Error).message).toContain('POLICY_FILE: /etc/policy.json');
  });
});

describe('what a contract may grant', () => {
  test('without a policy: all there is', () => {
    for (const given of [{}, FETCHING, CALLING]) {
      for (const policy of [defaultPolicy(), read({ policy: 1 })]) expect(() => checkPolicy(contract(given), policy)).not.toThrow();
    }
  });

  test.each([
    [FETCHING, { fetch: { hosts: ['*.example.com', 'api.example.com', '*.example.org'] } }, null],
    [FETCHING, { fetch: { hosts: ['api.example.com'] } }, 'grants.fetch.hosts[1]: "*.example.org" is more than /etc/policy.json:6 allows'],
    [FETCHING, { fetch: { hosts: [] } }, 'grants.fetch.hosts[0]: "api.example.com" is more than'],
    [FETCHING, { fetch: { methods: ['GET'] } }, 'grants.fetch.methods[1]: HEAD is more than'],
    [
      FETCHING,
      { fetch: { requests: 19 } },
      'grants.fetch.requests: 20 is more than /etc/policy.json:6 allows (agents.*.fetch.requests: 19)',
    ],
    [FETCHING, { fetch: { response_bytes: 1 } }, 'grants.fetch.responseBytes: '],
    [FETCHING, { fetch: { request_bytes: 1 } }, 'grants.fetch.requestBytes: '],
    [FETCHING, { fetch: { call_bytes: 1 } }, 'grants.fetch.callBytes: '],
    [FETCHING, { fetch: { timeout_ms: 1 } }, 'grants.fetch.timeoutMs: '],
    [FETCHING, { capabilities: ['log'] }, 'capabilities[0]: "fetch" is more than /etc/policy.json:5 allows'],
    [CALLING, { call: { agents: ['other'] } }, null],
    [CALLING, { call: { agents: ['another'] } }, 'grants.call.agents[0]: "other" is more than'],
    [
      CALLING,
      { call: { calls: 1, timeout_ms: 1 } },
      'grants.call.calls: 20 is more than /etc/policy.json:6 allows (agents.*.call.calls: 1) (and 1 more)',
    ],
    [{}, { capabilities: [] }, null],
  ])('%j under %j', (given, rule, message) => {
    const check = (): void => checkPolicy(contract(given), read({ policy: 1, agents: { '*': rule } }));
    if (message === null) return check();
    expect(check).toThrow(expect.objectContaining({ code: 'policy_refused', message: expect.stringContaining(`packer: ${message}`) }));
  });

  test('the rule for an agent comes before the rule for all, member by member', () => {
    const policy = read({
      policy: 1,
      agents: {
        '*': { capabilities: ['log'], fetch: { requests: 1, hosts: [] } },
        packer: { capabilities: ['fetch'], fetch: { hosts: ['*.example.com', '*.example.org'] } },
      },
    });
    expect(() => checkPolicy(contract(FETCHING), policy)).toThrow('grants.fetch.requests: 20 is more than');
    expect(() => checkPolicy({ ...contract(FETCHING), name: 'other' }, policy)).toThrow('capabilities[0]: "fetch" is more than');
  });
});

test('private addresses are allowed one by one, or by their network, with their port', () => {
  const policy = read({ policy: 1, fetch: { allow_private: ['127.0.0.1:8080', '10.1.0.0/16:443', '[fd00::/8]:443'] } });
  const allowed = (address: string, port: number): boolean => policy.allowsPrivate(address, port);
  expect([allowed('127.0.0.1', 8080), allowed('10.1.255.1', 443), allowed('fd12::1', 443)]).toEqual([true, true, true]);
  expect([
    allowed('127.0.0.1', 8081),
    allowed('127.0.0.2', 8080),
    allowed('10.2.0.1', 443),
    allowed('::1', 443),
    allowed('x', 443),
  ]).toEqual([false, false, false, false, false]);
});

test('secrets are of the agent and the host they are written for', () => {
  const rule = (env: string): object => ({ fetch: { secret_headers: { '*.example.com': { authorization: { env, prefix: 'Bearer ' } } } } });
  const policy = read({ policy: 1, agents: { '*': rule('ALL'), packer: rule('MINE'), bare: { fetch: {} } } }, { ALL: 'one', MINE: 'two' });
  const of = (agent: string, url: string): string[] => policy.secretHeaders(agent, new URL(url)).map(({ value }) => value);
  expect(of('packer', 'https://api.example.com/')).toEqual(['Bearer two']);
  expect(of('bare', 'https://api.example.com/')).toEqual(['Bearer one']);
  expect([of('packer', 'https://example.com/'), of('packer', 'https://api.example.com:444/'), of('x', 'https://evil.com/')]).toEqual([
    [],
    [],
    [],
  ]);
});
