// The values of the settings: the only reader of the environment and of .env.
// No zod here: the root supervisor and the command line must start in milliseconds.
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { SeedError } from '#lib/error.ts';
import type { ModelSettings } from '#lib/model-provider.ts';
import { nearest } from '#lib/nearest.ts';
import type { Setting, SettingValue } from '#lib/setting.ts';
import { readTokenPrices, type TokenPrice } from '#lib/token-prices.ts';
import { SETTINGS, type SettingName, type SettingValues } from './settings.ts';

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
  telemetry: { logLevel: SettingValues['LOG_LEVEL'] };
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
    /** By the proposer's name. */
    prices: ReadonlyMap<string, TokenPrice>;
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
    sandbox: SettingValues['CODEX_SANDBOX'];
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
    const [origin, source]: [Origin, Texts] = origins.find(([from, texts]) => mayCome(name, from) && isGiven(texts[name], from)) ?? [
      'default',
      NOTHING,
    ];
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
  return slices(values as SettingValues, { cwd, states, searchPath: env['PATH'] ?? '' });
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
/** One that is for those at the machine may have been stored before it was. */
function mayCome(name: SettingName, from: Origin): boolean {
  return from !== 'store' || !SETTINGS[name].local;
}

function isGiven(text: string | undefined, from: Origin): boolean {
  return text !== undefined && (text !== '' || from === 'argument');
}

function stateOf(name: SettingName, value: SettingValue, origin: Origin): SettingState {
  const { kind, expected, unit, description, secret, change, default: fallback }: Setting = SETTINGS[name];
  const shown = { value: maskSetting(name, value), default: maskSetting(name, fallback) };
  return { name, kind, ...shown, origin, expected, unit: unit ?? null, description, secret, change };
}

function slices(values: SettingValues, { cwd, states, searchPath }: { cwd: string; states: SettingState[]; searchPath: string }): Config {
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
      prices: readTokenPrices(values.TOKEN_PRICES),
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
