// The settings: the one table of them, and the only reader of the environment and of .env.
// No zod here: the root supervisor and the command line must start in milliseconds.
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { SeedError } from '#lib/error.ts';
import type { ModelSettings } from '#lib/model-provider.ts';
import { nearest } from '#lib/nearest.ts';
import { boolean, choice, integer, path, type Setting, type SettingValue, text, url } from '#lib/setting.ts';

const PROGRAM = /^[^\n\r]{1,4096}$/;
const KEY = /^[\x21-\x7e]{8,4096}$/;
const KEY_WORDS = 'a token without spaces';
const MODEL = /^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}$/;
const MODEL_WORDS = 'the name of a model';

export const SETTINGS = {
  PORT: integer({ default: 4000, min: 0, max: 65_535, description: 'TCP port of the HTTP server; 0: any free one' }),
  HOST: text({
    default: '127.0.0.1',
    pattern: /^[A-Za-z0-9.:_-]{1,253}$/,
    expected: 'a host name or address, for example 127.0.0.1 or ::',
    description: 'address the HTTP server listens on; anything but loopback can be reached from other machines',
  }),
  PUBLIC_URL: url({ description: 'address under which people reach this node, when it stands behind a proxy' }),
  HTTP_SERVER_ENABLED: boolean({
    default: true,
    description: 'false: no TCP port; the command line then uses a socket in the data folder',
  }),
  DATA_DIR: path({ default: './data', description: 'folder of the database, keys and everything else that must last' }),
  CODE_ROOT: path({ default: './code', description: 'folder of the code store on this node' }),
  POLICY_FILE: path({
    description: 'what agents may be granted; not set: policy.json in the data folder, if there is one',
  }),
  AGENTS_DIR: path({ default: './agents', description: 'folder with one folder per agent' }),
  NODE_ID: text({
    kind: 'name',
    pattern: /^[a-z0-9][a-z0-9_-]{0,63}$/,
    expected: 'lower-case letters, digits, "_" and "-", at most 64',
    description: 'name of this node; made at the first start and kept in the data folder when it is not set',
  }),
  METRICS_PORT: integer({
    default: null,
    off: true,
    min: 0,
    max: 65_535,
    description:
      'a second port with /health, /health/deep and /metrics only, without authentication: for a private network; 0: any free one',
  }),
  METRICS_TOKEN: text({
    secret: true,
    pattern: /^[\x21-\x7e]{16,256}$/,
    expected: 'at least 16 characters without spaces',
    description: 'bearer token that may read /metrics and nothing else',
  }),
  LOG_LEVEL: choice({
    values: ['debug', 'info', 'warn', 'error', 'silent'],
    default: 'info',
    change: 'runtime',
    description: 'what is logged: this and worse',
  }),
  CHAT_CONCURRENCY: integer({ default: 2, min: 1, max: 64, unit: 'answers', description: 'that agents:chat makes at once' }),
  CHAT_TIMEOUT_MS: integer({ default: 120_000, min: 1_000, max: 3_600_000, unit: 'ms', description: 'time for one answer of agents:chat' }),
  SANDBOX_SERVING_HOSTS: integer({ default: 2, min: 1, max: 64, unit: 'processes', description: 'sandbox hosts that answer calls' }),
  SANDBOX_EVALUATOR_HOSTS: integer({
    default: null,
    off: true,
    min: 1,
    max: 256,
    unit: 'processes',
    description: 'sandbox hosts that score candidates, at most; off or not set: one for each processor',
  }),
  SANDBOX_REQUIRE: choice({
    values: ['nothing', 'os'],
    default: 'nothing',
    description:
      'os: refuse to start where the operating system does not cut agents’ code off from network, files and processes (bubblewrap)',
  }),
  SANDBOX_SYNC_PATH: boolean({
    default: true,
    description: 'false: no call runs on the fast path that holds its sandbox host while it runs',
  }),
  IMP_LIMIT_PER_DAY: integer({
    default: 100,
    min: 0,
    max: 100_000,
    unit: 'improvements',
    description: 'that may be asked for one agent within 24 hours',
  }),
  IMP_AGENT_MICRO_USD_PER_DAY: integer({
    default: 10_000_000,
    min: 0,
    max: 1_000_000_000_000,
    unit: 'micro-USD',
    description: 'what improvements of one agent may cost within 24 hours; 0: nothing that is paid for',
  }),
  IMP_TOTAL_MICRO_USD_PER_DAY: integer({
    default: 50_000_000,
    min: 0,
    max: 1_000_000_000_000,
    unit: 'micro-USD',
    description: 'the same for all agents together',
  }),
  IMP_CYCLE_MS: integer({
    default: 60_000,
    min: 100,
    max: 86_400_000,
    off: true,
    unit: 'ms',
    description: 'how often agents whose contract allows it are looked at for reasons to improve them; off: never',
  }),
  CLAUDE_CLI_PATH: text({
    pattern: PROGRAM,
    expected: 'a path, or the name of a program',
    description: 'the program of Claude Code; not set: claude, as PATH has it',
  }),
  CLAUDE_DEFAULT_MODEL: text({
    default: 'sonnet',
    pattern: MODEL,
    expected: MODEL_WORDS,
    description: 'model that Claude Code is asked to use',
  }),
  CLAUDE_HOME: path({ description: 'folder with .credentials.json, as Claude Code’s own sign-in leaves it; not set: ~/.claude' }),
  CLAUDE_API_URL: url({ description: 'address of the model’s server for Claude Code, without /v1; not set: Anthropic’s' }),
  CLAUDE_MAX_TOKENS: integer({
    default: null,
    off: true,
    min: 1,
    max: 1_000_000,
    unit: 'tokens',
    description: 'of one answer of Claude Code, at most',
  }),
  CLAUDE_CODE_OAUTH_TOKEN: text({ secret: true, pattern: KEY, expected: KEY_WORDS, description: 'what Claude Code signs in with' }),
  ANTHROPIC_API_KEY: text({ secret: true, pattern: KEY, expected: KEY_WORDS, description: 'the same, as a key of Anthropic’s' }),
  CODEX_CLI_PATH: text({
    pattern: PROGRAM,
    expected: 'a path, or the name of a program',
    description: 'the program of Codex; not set: codex, as PATH has it',
  }),
  CODEX_DEFAULT_MODEL: text({
    pattern: MODEL,
    expected: MODEL_WORDS,
    description: 'model that Codex is asked to use; not set: its own choice',
  }),
  CODEX_HOME: path({
    description: 'folder of Codex’s own sign-in and configuration; not set: ~/.codex, or one in the data folder where a key is given',
  }),
  CODEX_API_URL: url({ description: 'address of the model’s server for Codex, with /v1; not set: OpenAI’s' }),
  CODEX_API_KEY: text({ secret: true, pattern: KEY, expected: KEY_WORDS, description: 'what Codex signs in with' }),
  CODEX_SANDBOX: choice({
    values: ['read-only', 'workspace-write', 'danger-full-access'],
    default: 'read-only',
    description: 'what Codex may do where it only answers; where it writes code it has its own folder and no network',
  }),
  IMPROVEMENT_MODEL: text({
    pattern: MODEL,
    expected: MODEL_WORDS,
    description: 'what the proposer "model" asks, as provider/model: anthropic, openai, google, cohere, bedrock or compatible',
  }),
  OPENAI_API_KEY: text({ secret: true, pattern: KEY, expected: KEY_WORDS, description: 'for models of OpenAI' }),
  GOOGLE_GENERATIVE_AI_API_KEY: text({ secret: true, pattern: KEY, expected: KEY_WORDS, description: 'for models of Google' }),
  COHERE_API_KEY: text({ secret: true, pattern: KEY, expected: KEY_WORDS, description: 'for models of Cohere' }),
  AWS_REGION: text({ pattern: /^[a-z0-9-]{2,40}$/, expected: 'the name of a region', description: 'for models of Bedrock' }),
  AWS_ACCESS_KEY_ID: text({ secret: true, pattern: KEY, expected: KEY_WORDS, description: 'for models of Bedrock' }),
  AWS_SECRET_ACCESS_KEY: text({ secret: true, pattern: KEY, expected: KEY_WORDS, description: 'for models of Bedrock' }),
  AWS_SESSION_TOKEN: text({ secret: true, pattern: KEY, expected: KEY_WORDS, description: 'for models of Bedrock' }),
  MODEL_API_URL: url({ description: 'any server that speaks OpenAI’s chat completions, with /v1: models compatible/<name>' }),
  MODEL_API_KEY: text({ secret: true, pattern: KEY, expected: KEY_WORDS, description: 'what that server is asked with' }),
  DEMO: boolean({ default: true, description: 'false: the demo (packer improves itself under its own orders) does not start by itself' }),
  SEED_URL: url({ description: 'command line: address of the node to talk to, instead of the one found in the data folder' }),
  SEED_TOKEN: text({
    secret: true,
    pattern: /^[\x21-\x7e]{8,512}$/,
    expected: 'a token without spaces',
    description: 'command line: token to sign in with, instead of the one found in the data folder',
  }),
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;
type Values = { [N in SettingName]: (typeof SETTINGS)[N] extends Setting<infer T> ? T : never };

/** argument > env > file (.env) > store (config:set) > default. */
export type Origin = 'default' | 'store' | 'file' | 'env' | 'argument';

/** One setting as it stands; `value` is masked where it is a secret. */
export interface SettingState {
  name: SettingName;
  kind: Setting['kind'];
  value: SettingValue;
  default: SettingValue;
  origin: Origin;
  expected: string;
  unit: string | null;
  description: string;
  secret: boolean;
  change: 'runtime' | 'start';
}

export interface Config {
  http: { enabled: boolean; host: string; port: number; publicUrl: string | null };
  /** `port` null: no second listener. */
  metrics: { port: number | null; token: string | null };
  telemetry: { logLevel: Values['LOG_LEVEL'] };
  /** Absolute paths. */
  data: { dir: string };
  code: { root: string };
  agents: { dir: string };
  /** `file` absolute; null: policy.json in the data folder, if it is there. */
  policy: { file: string | null };
  node: { id: string | null };
  /** `concurrency` in answers at once. */
  chat: { concurrency: number; timeoutMs: number };
  sandbox: { servingHosts: number; evaluatorHosts: number; syncPath: boolean; require: 'nothing' | 'os' };
  improvement: {
    perAgentAndDay: number;
    agentMicroUsdPerDay: number;
    totalMicroUsdPerDay: number;
    /** null: agents are improved only when somebody asks. */
    cycleMs: number | null;
  };
  demo: { enabled: boolean };
  /** Null where the programs' own defaults hold; folders absolute, programs as given where they are names. */
  claude: {
    cliPath: string | null;
    model: string;
    home: string | null;
    apiUrl: string | null;
    maxTokens: number | null;
    oauthToken: string | null;
    apiKey: string | null;
  };
  codex: {
    cliPath: string | null;
    model: string | null;
    home: string | null;
    apiUrl: string | null;
    apiKey: string | null;
    sandbox: Values['CODEX_SANDBOX'];
  };
  /** As `languageModel` takes them; `improvementModel` is provider/model. */
  models: ModelSettings & { improvementModel: string | null };
  cli: { url: string | null; token: string | null };
  /** Where programs are looked up. */
  searchPath: string;
  settings: readonly SettingState[];
}

type Texts = Readonly<Record<string, string | undefined>>;

export interface ConfigSources {
  /** Default: the environment of this process. */
  env?: Texts;
  /** Where .env is, and what relative paths are meant from. Default: the folder this process was started in. */
  cwd?: string;
  /** `--port 4001`, `--data-dir=x`, `--no-demo`: any setting that is no secret, in kebab-case. */
  args?: readonly string[];
  /** What config:set has stored. */
  store?: Readonly<Record<string, string>>;
}

/** @throws SeedError `configuration` that names every wrong setting, its value and what it should be */
export function loadConfig(sources: ConfigSources = {}): Config {
  const { env = process.env, cwd = process.cwd(), args = [], store = {} } = sources;
  const origins: [Origin, Texts][] = [
    ['argument', readArguments(args)],
    ['env', env],
    ['file', readEnvFile(join(cwd, '.env'))],
    ['store', store],
  ];
  const wrong: string[] = [];
  const states: SettingState[] = [];
  const values: Record<string, unknown> = {};
  for (const name of Object.keys(SETTINGS) as SettingName[]) {
    const [origin, source]: [Origin, Texts] = origins.find(([from, texts]) => isGiven(texts[name], from)) ?? ['default', NOTHING];
    const given = source[name] ?? '';
    const read = origin === 'default' ? { ok: true as const, value: SETTINGS[name].default } : checkSetting(name, given);
    if (!read.ok) {
      wrong.push(`${name}=${maskSetting(name, given)} (${ORIGIN_WORDS[origin]}) must be ${read.expected}`);
      continue;
    }
    values[name] = read.value;
    states.push(stateOf(name, read.value, origin));
  }
  if (wrong.length > 0) throw new SeedError('configuration', wrong.join('\n'), { details: wrong });
  return slices(values as Values, { cwd, states, searchPath: env['PATH'] ?? '' });
}

/** A secret that the policy file names: of the environment, or of .env. */
export function readSecret(name: string, { env = process.env, cwd = process.cwd() }: ConfigSources = {}): string | undefined {
  return isGiven(env[name], 'env') ? env[name] : readEnvFile(join(cwd, '.env'))[name];
}

export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name);
}

/** Reads a text as the value of a setting. */
export function checkSetting(name: SettingName, value: string): { ok: true; value: SettingValue } | { ok: false; expected: string } {
  const { read, expected }: Setting = SETTINGS[name];
  const result = read(value.trim());
  return result === undefined ? { ok: false, expected } : { ok: true, value: result };
}

/** How a value may be shown: secrets are stars, however long they are. */
export function maskSetting(name: SettingName, value: SettingValue): SettingValue {
  if (value === null) return null;
  if (SETTINGS[name].secret) return '********';
  return typeof value === 'string' ? value.slice(0, 200) : value;
}

const NOTHING: Texts = {};
const ORIGIN_WORDS: Readonly<Record<Origin, string>> = {
  argument: 'command line',
  env: 'environment',
  file: '.env',
  store: 'config:set',
  default: 'default',
};

/** An empty variable is one that is not set: what an unfilled template leaves behind. An empty argument is a mistake. */
function isGiven(text: string | undefined, from: Origin): boolean {
  return text !== undefined && (text !== '' || from === 'argument');
}

function stateOf(name: SettingName, value: SettingValue, origin: Origin): SettingState {
  const { kind, expected, unit, description, secret, change, default: fallback }: Setting = SETTINGS[name];
  const shown = { value: maskSetting(name, value), default: maskSetting(name, fallback) };
  return { name, kind, ...shown, origin, expected, unit: unit ?? null, description, secret, change };
}

function slices(values: Values, { cwd, states, searchPath }: { cwd: string; states: SettingState[]; searchPath: string }): Config {
  return {
    http: {
      enabled: values.HTTP_SERVER_ENABLED,
      host: values.HOST,
      port: values.PORT,
      publicUrl: values.PUBLIC_URL,
    },
    metrics: { port: values.METRICS_PORT, token: values.METRICS_TOKEN },
    telemetry: { logLevel: values.LOG_LEVEL },
    data: { dir: resolve(cwd, values.DATA_DIR) },
    code: { root: resolve(cwd, values.CODE_ROOT) },
    agents: { dir: resolve(cwd, values.AGENTS_DIR) },
    policy: { file: values.POLICY_FILE === null ? null : resolve(cwd, values.POLICY_FILE) },
    node: { id: values.NODE_ID },
    chat: { concurrency: values.CHAT_CONCURRENCY, timeoutMs: values.CHAT_TIMEOUT_MS },
    sandbox: {
      servingHosts: values.SANDBOX_SERVING_HOSTS,
      evaluatorHosts: values.SANDBOX_EVALUATOR_HOSTS ?? availableParallelism(),
      syncPath: values.SANDBOX_SYNC_PATH,
      require: values.SANDBOX_REQUIRE,
    },
    improvement: {
      perAgentAndDay: values.IMP_LIMIT_PER_DAY,
      agentMicroUsdPerDay: values.IMP_AGENT_MICRO_USD_PER_DAY,
      totalMicroUsdPerDay: values.IMP_TOTAL_MICRO_USD_PER_DAY,
      cycleMs: values.IMP_CYCLE_MS,
    },
    demo: { enabled: values.DEMO },
    claude: {
      cliPath: program(cwd, values.CLAUDE_CLI_PATH),
      model: values.CLAUDE_DEFAULT_MODEL,
      home: values.CLAUDE_HOME === null ? null : resolve(cwd, values.CLAUDE_HOME),
      apiUrl: values.CLAUDE_API_URL,
      maxTokens: values.CLAUDE_MAX_TOKENS,
      oauthToken: values.CLAUDE_CODE_OAUTH_TOKEN,
      apiKey: values.ANTHROPIC_API_KEY,
    },
    codex: {
      cliPath: program(cwd, values.CODEX_CLI_PATH),
      model: values.CODEX_DEFAULT_MODEL,
      home: values.CODEX_HOME === null ? null : resolve(cwd, values.CODEX_HOME),
      apiUrl: values.CODEX_API_URL,
      apiKey: values.CODEX_API_KEY,
      sandbox: values.CODEX_SANDBOX,
    },
    models: {
      improvementModel: values.IMPROVEMENT_MODEL,
      anthropic: { apiKey: values.ANTHROPIC_API_KEY ?? undefined },
      openai: { apiKey: values.OPENAI_API_KEY ?? undefined },
      google: { apiKey: values.GOOGLE_GENERATIVE_AI_API_KEY ?? undefined },
      cohere: { apiKey: values.COHERE_API_KEY ?? undefined },
      bedrock: {
        region: values.AWS_REGION ?? undefined,
        accessKeyId: values.AWS_ACCESS_KEY_ID ?? undefined,
        secretAccessKey: values.AWS_SECRET_ACCESS_KEY ?? undefined,
        sessionToken: values.AWS_SESSION_TOKEN ?? undefined,
      },
      compatible: { apiKey: values.MODEL_API_KEY ?? undefined, baseURL: values.MODEL_API_URL ?? undefined },
    },
    cli: { url: values.SEED_URL, token: values.SEED_TOKEN },
    searchPath,
    settings: states,
  };
}

/** A path is meant from here, a name is looked up where programs are. */
function program(cwd: string, value: string | null): string | null {
  return value?.includes('/') === true ? resolve(cwd, value) : value;
}

function readEnvFile(file: string): Texts {
  try {
    return parseEnv(readFileSync(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new SeedError('configuration', `cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
}

/** @throws SeedError `configuration` for an argument that is no setting, or a secret */
function readArguments(args: readonly string[]): Record<string, string> {
  const names = new Map((Object.keys(SETTINGS) as SettingName[]).map((name) => [name.toLowerCase().replaceAll('_', '-'), name]));
  const given: Record<string, string> = {};
  for (let index = 0; index < args.length; index += 1) {
    const argument = args[index] ?? '';
    const [, flag = argument, value] = /^--([a-z-]+)(?:=(.*))?$/s.exec(argument) ?? [];
    const negated = flag.startsWith('no-') ? names.get(flag.slice(3)) : undefined;
    const name = negated ?? names.get(flag);
    if (name === undefined) {
      const near = nearest(flag, names.keys());
      throw new SeedError('configuration', `unknown argument ${JSON.stringify(argument.slice(0, 80))}`, {
        hint: near === undefined ? undefined : `did you mean --${near}?`,
      });
    }
    const setting: Setting = SETTINGS[name];
    if (setting.secret) {
      throw new SeedError('configuration', `--${flag} would show a secret to everybody on this machine`, {
        hint: `set ${name} in the environment or in .env`,
      });
    }
    if (negated !== undefined) given[name] = setting.kind === 'boolean' ? 'false' : 'off';
    else if (value !== undefined) given[name] = value;
    else if (setting.kind === 'boolean') given[name] = 'true';
    else given[name] = args[(index += 1)] ?? '';
  }
  return given;
}
