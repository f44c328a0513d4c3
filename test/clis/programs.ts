// The two real programs, as `npm run test:clis` has installed them, each with an empty home and a scripted server.
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { claudeCli } from '#lib/coding-cli/claude.ts';
import { codexCli } from '#lib/coding-cli/codex.ts';
import type { CliEvent, CliOutcome, CliRequest, CodingCli } from '#lib/coding-cli/coding-cli.ts';
import type { Scenario, ScriptedApi } from './scripted-api.ts';

const folder = process.env['SEED_CLIS'] ?? '';

export const CLAUDE = join(folder, `node_modules/@anthropic-ai/claude-code-linux-${process.arch}/claude`);
export const CODEX = join(
  folder,
  `node_modules/@openai/codex-linux-${process.arch}/vendor/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-unknown-linux-musl/bin/codex`,
);
export const PROGRAMS = ['claude-code', 'codex'] as const;
export type Program = (typeof PROGRAMS)[number];
const SEARCH_PATH = '/usr/bin:/bin';
/** Only the scripted server would take it. */
const KEY = 'sk-not-a-key';
/** Its tools are known; other models have other ones. */
const CODEX_MODEL = 'gpt-5.5';

/** What a node is set to, so that it runs the two programs against the scripted server. */
export function settingsOf(url: { claude: string; codex: string }): Record<string, string> {
  return {
    CLAUDE_CLI_PATH: CLAUDE,
    CLAUDE_API_URL: url.claude,
    ANTHROPIC_API_KEY: KEY,
    CODEX_CLI_PATH: CODEX,
    CODEX_API_URL: url.codex,
    CODEX_API_KEY: KEY,
    CODEX_DEFAULT_MODEL: CODEX_MODEL,
  };
}

/** A folder of its own for each test, and one for the program's state. */
export async function places(): Promise<{ work: string; state: string } & AsyncDisposable> {
  const root = await mkdtemp(join(tmpdir(), 'seed-clis-'));
  const [work, state] = [await mkdtemp(join(root, 'work-')), await mkdtemp(join(root, 'state-'))];
  return { work, state, [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) };
}

/** The program with a credential that only the scripted server would take. */
export function programOf(program: Program, url: { claude: string; codex: string }, state: string): CodingCli {
  const common = { apiKey: KEY, searchPath: SEARCH_PATH, maxRetries: 1 };
  return program === 'claude-code'
    ? claudeCli({ ...common, cliPath: CLAUDE, apiUrl: url.claude, stateFolder: state })
    : codexCli({ ...common, cliPath: CODEX, apiUrl: url.codex, home: state, model: CODEX_MODEL });
}

export interface Run {
  events: readonly CliEvent[];
  outcome: CliOutcome;
  /** Streamed text, put together. */
  text: string;
}

export async function runScenario(
  api: ScriptedApi,
  options: { name: string; program: Program; scenario: Scenario; work: string; state: string; request?: Partial<CliRequest> },
): Promise<Run> {
  const { name, program, scenario, work, state, request = {} } = options;
  const cli = programOf(program, api.play(`${name}-${program}`, scenario), state);
  const events: CliEvent[] = [];
  const asked = { prompt: 'do it', cwd: work, reach: { kind: 'edit' as const, folder: work }, timeoutMs: 60_000, ...request };
  for await (const event of cli.run(asked)) events.push(event);
  const last = events.at(-1);
  if (last?.type !== 'ended') throw new Error('a run without an end');
  return { events, outcome: last.outcome, text: events.map((event) => (event.type === 'text' ? event.delta : '')).join('') };
}
