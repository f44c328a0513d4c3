// The settings: the one table of them. src/config.ts reads their values.
// No zod here: the root supervisor and the command line must start in milliseconds.
import { boolean, choice, integer, path, type Setting, text, url } from '#lib/setting.ts';
import { TOKEN_PRICES_PATTERN } from '#lib/token-prices.ts';

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
    local: true,
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
    local: true,
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
  TOKEN_PRICES: text({
    pattern: TOKEN_PRICES_PATTERN,
    expected: 'like codex=1.25/0.125/10, model=0.25/0.025/2',
    description:
      'USD for a million tokens (input/cached input/output) of proposers that do not say what they cost: codex, model, and claude-code where it was cut off',
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
    local: true,
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
  CLAUDE_HOME: path({
    local: true,
    description: 'folder with .credentials.json, as Claude Code’s own sign-in leaves it; not set: ~/.claude',
  }),
  CLAUDE_API_URL: url({ local: true, description: 'address of the model’s server for Claude Code, without /v1; not set: Anthropic’s' }),
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
    local: true,
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
    local: true,
    description: 'folder of Codex’s own sign-in and configuration; not set: ~/.codex, or one in the data folder where a key is given',
  }),
  CODEX_API_URL: url({ local: true, description: 'address of the model’s server for Codex, with /v1; not set: OpenAI’s' }),
  CODEX_API_KEY: text({ secret: true, pattern: KEY, expected: KEY_WORDS, description: 'what Codex signs in with' }),
  CODEX_SANDBOX: choice({
    local: true,
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
  MODEL_API_URL: url({ local: true, description: 'any server that speaks OpenAI’s chat completions, with /v1: models compatible/<name>' }),
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
export type SettingValues = { [N in SettingName]: (typeof SETTINGS)[N] extends Setting<infer T> ? T : never };
