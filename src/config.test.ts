import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isSeedError } from '#lib/error.ts';
import { type Config, type ConfigSources, loadConfig, maskSetting } from './config.ts';
import { SETTINGS, type SettingName } from './settings.ts';

let root: string;
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), 'seed-config-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function load(sources: ConfigSources = {}): Config {
  return loadConfig({ env: {}, cwd: root, ...sources });
}

function refusal(sources: ConfigSources): { message: string; hint: string | undefined; exitCode: number } {
  try {
    load(sources);
  } catch (error) {
    if (isSeedError(error) && error.code === 'configuration') return { message: error.message, hint: error.hint, exitCode: error.exitCode };
    throw error;
  }
  throw new Error('it was accepted');
}

/** A folder with this text as its .env. */
function withFile(text: string): string {
  const folder = mkdtempSync(path.join(root, 'folder-'));
  writeFileSync(path.join(folder, '.env'), text);
  return folder;
}

function origin(config: Config, name: SettingName): string | undefined {
  return config.settings.find((state) => state.name === name)?.origin;
}

describe('without any setting', () => {
  test('everything has its default', () => {
    const { settings, sandbox, ...rest } = load();
    expect(rest).toEqual({
      http: { enabled: true, host: '127.0.0.1', port: 4000, publicUrl: null },
      metrics: { port: null, token: null },
      telemetry: { logLevel: 'info' },
      data: { dir: path.join(root, 'data') },
      code: { root: path.join(root, 'code') },
      agents: { dir: path.join(root, 'agents') },
      policy: { file: null },
      node: { id: null },
      chat: { concurrency: 2, timeoutMs: 120_000 },
      improvement: {
        perAgentAndDay: 100,
        agentMicroUsdPerDay: 10_000_000,
        totalMicroUsdPerDay: 50_000_000,
        cycleMs: 60_000,
        prices: new Map(),
      },
      demo: { enabled: true },
      claude: { cliPath: null, model: 'sonnet', home: null, apiUrl: null, maxTokens: null, oauthToken: null, apiKey: null },
      codex: { cliPath: null, model: null, home: null, apiUrl: null, apiKey: null, sandbox: 'read-only' },
      searchPath: '',
      models: { improvementModel: null, anthropic: {}, openai: {}, google: {}, cohere: {}, bedrock: {}, compatible: {} },
      cli: { url: null, token: null },
    });
    expect(sandbox.servingHosts).toBe(2);
    expect(sandbox.evaluatorHosts).toBeGreaterThanOrEqual(1);
    expect(settings.map(({ name }) => name)).toEqual(Object.keys(SETTINGS));
    expect(new Set(settings.map((state) => state.origin))).toEqual(new Set(['default']));
  });
});

describe('where a value comes from', () => {
  test('arguments win over the environment, that over .env, that over what was stored', () => {
    const cwd = withFile('PORT=4002\nLOG_LEVEL=warn\nDEMO=false\n# a comment\nHOST="::1"\n');
    const store = { PORT: '4003', LOG_LEVEL: 'error', DEMO: 'true', SANDBOX_SERVING_HOSTS: '3' };
    const config = load({ cwd, env: { PORT: '4001', LOG_LEVEL: 'debug' }, args: ['--port', '4000'], store });
    expect(config.http).toMatchObject({ port: 4000, host: '::1' });
    expect(config.telemetry.logLevel).toBe('debug');
    expect(config.demo.enabled).toBe(false);
    expect(config.sandbox.servingHosts).toBe(3);
    expect((['PORT', 'LOG_LEVEL', 'DEMO', 'SANDBOX_SERVING_HOSTS', 'CODE_ROOT'] as const).map((name) => origin(config, name))).toEqual([
      'argument',
      'env',
      'file',
      'store',
      'default',
    ]);
  });

  test('what starts programs, sends keys or takes down walls does not come out of the store', () => {
    const given = {
      CLAUDE_CLI_PATH: '/bin/sh',
      CODEX_HOME: '/tmp',
      MODEL_API_URL: 'https://elsewhere.example',
      ANTHROPIC_API_KEY: 'a-key-of-mine',
    };
    expect(load({ store: given })).toMatchObject({
      claude: { cliPath: null, apiKey: null },
      codex: { home: null },
      models: { compatible: { baseURL: undefined } },
    });
    expect(load({ env: given }).claude).toMatchObject({ cliPath: '/bin/sh', apiKey: 'a-key-of-mine' });
  });

  test('an empty variable is not set', () => {
    const config = load({ cwd: withFile('PORT=4002'), env: { PORT: '' } });
    expect([config.http.port, origin(config, 'PORT')]).toEqual([4002, 'file']);
  });

  test('relative folders are meant from where it is started', () => {
    expect(load({ env: { DATA_DIR: '../elsewhere', CODE_ROOT: '/data/code' } })).toMatchObject({
      data: { dir: path.join(root, '..', 'elsewhere') },
      code: { root: '/data/code' },
    });
  });

  test('a .env that can not be read is said, not skipped', () => {
    const cwd = mkdtempSync(path.join(root, 'folder-'));
    mkdirSync(path.join(cwd, '.env'));
    expect(refusal({ cwd }).message).toContain(`cannot read ${path.join(cwd, '.env')}`);
  });
});

describe('arguments', () => {
  test.each([
    [['--no-demo'], { demo: { enabled: false } }],
    [['--demo=false'], { demo: { enabled: false } }],
    [['--demo'], { demo: { enabled: true } }],
    [['--port=0'], { http: { port: 0 } }],
    [['--port', '8080', '--host', '::'], { http: { port: 8080, host: '::' } }],
    [['--metrics-port', '9100', '--no-metrics-port'], { metrics: { port: null } }],
    [['--data-dir=/var/seed'], { data: { dir: '/var/seed' } }],
    [['--no-http-server-enabled'], { http: { enabled: false } }],
  ])('%o', (args, expected) => {
    expect(load({ args })).toMatchObject(expected);
  });

  test.each([
    [['--prot=1'], 'unknown argument "--prot=1"', 'did you mean --port?'],
    [['serve'], 'unknown argument "serve"', undefined],
    [['--metrics-token=abcdefghijklmnopq'], '--metrics-token would show a secret', 'METRICS_TOKEN'],
    [['--port'], 'PORT= (command line) must be a whole number', undefined],
  ])('%o is refused', (args, message, hint) => {
    const refused = refusal({ args });
    expect(refused.message).toContain(message);
    if (hint !== undefined) expect(refused.hint).toContain(hint);
  });
});

describe('a wrong value', () => {
  test.each<[SettingName, string, string]>([
    ['PORT', 'abc', 'a whole number from 0 to 65535'],
    ['PORT', '-1', 'a whole number from 0 to 65535'],
    ['PORT', '65536', 'a whole number from 0 to 65535'],
    ['PORT', '4000.5', 'a whole number from 0 to 65535'],
    ['PORT', '0x10', 'a whole number from 0 to 65535'],
    ['HOST', 'two words', 'a host name or address'],
    ['PUBLIC_URL', 'seed.example.com', 'an address like https://'],
    ['PUBLIC_URL', 'ftp://seed.example.com', 'an address like https://'],
    ['PUBLIC_URL', 'https://user:pw@seed.example.com', 'an address like https://'],
    ['PUBLIC_URL', 'https://seed.example.com/?x=1', 'an address like https://'],
    ['HTTP_SERVER_ENABLED', 'maybe', 'true or false'],
    ['METRICS_PORT', 'none', 'a whole number from 0 to 65535, or off'],
    ['LOG_LEVEL', 'loud', 'one of debug, info, warn, error, silent'],
    ['DATA_DIR', 'a\0b', 'a path'],
    ['NODE_ID', '../etc', 'lower-case letters'],
    ['SANDBOX_SERVING_HOSTS', '0', 'a whole number from 1 to 64'],
  ])('%s=%j is refused with what it should be', (name, value, expected) => {
    const { message, exitCode } = refusal({ env: { [name]: value } });
    expect(message).toContain(`${name}=${value} (environment) must be ${expected}`);
    expect(exitCode).toBe(78);
  });

  test('all of them at once, secrets without their value', () => {
    const { message } = refusal({ cwd: withFile('LOG_LEVEL=loud'), env: { PORT: 'x', METRICS_TOKEN: 'short' } });
    expect(message.split('\n')).toEqual([
      'PORT=x (environment) must be a whole number from 0 to 65535',
      'METRICS_TOKEN=******** (environment) must be at least 16 characters without spaces',
      'LOG_LEVEL=loud (.env) must be one of debug, info, warn, error, silent',
    ]);
  });
});

describe('secrets', () => {
  test('are usable, and never listed', () => {
    const config = load({ env: { METRICS_TOKEN: 'metrics-token-metrics', SEED_TOKEN: 'seed-token-seed-token' } });
    expect(config.metrics.token).toBe('metrics-token-metrics');
    expect(config.cli.token).toBe('seed-token-seed-token');
    expect(JSON.stringify(config.settings)).not.toContain('-token-');
    expect(config.settings.find(({ name }) => name === 'METRICS_TOKEN')?.value).toBe('********');
  });

  test('a mask tells nothing of the length, and that none is set', () => {
    expect(maskSetting('METRICS_TOKEN', 'a')).toBe(maskSetting('METRICS_TOKEN', 'a'.repeat(100)));
    expect(maskSetting('METRICS_TOKEN', null)).toBeNull();
    expect(maskSetting('PORT', 4000)).toBe(4000);
  });
});

test('an address is kept without its last slash', () => {
  expect(load({ env: { PUBLIC_URL: 'https://Seed.Example.com/base/' } }).http.publicUrl).toBe('https://seed.example.com/base');
});
