// seed-agent/models: the two coding agents' command lines as language models of the AI SDK, ready to be used.
//
//   const { text } = await generateText({ model: claudeCliLanguageModel, prompt: 'Summarise the latest release notes' });
//
// They answer and touch no file. Claude Code needs CLAUDE_CODE_OAUTH_TOKEN, ANTHROPIC_API_KEY or a mounted CLAUDE_HOME; Codex its own
// sign-in (CODEX_HOME) or CODEX_API_KEY. Settings are read at each call.
import { mkdirSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import { claudeCli } from './lib/coding-cli/claude.ts';
import { codexCli } from './lib/coding-cli/codex.ts';
import { cliLanguageModel } from './lib/coding-cli/language-model.ts';

const DEFAULT_MODEL = 'sonnet';
const SANDBOXES = ['read-only', 'workspace-write', 'danger-full-access'] as const;

/** Claude Code: `claude --print`. The model is `CLAUDE_DEFAULT_MODEL`, default sonnet. */
export const claudeCliLanguageModel: LanguageModelV4 = cliLanguageModel({
  modelId: 'claude-code',
  cli: () =>
    claudeCli({
      cliPath: setting('CLAUDE_CLI_PATH'),
      model: setting('CLAUDE_DEFAULT_MODEL') ?? DEFAULT_MODEL,
      apiUrl: setting('CLAUDE_API_URL'),
      maxOutputTokens: numberOf('CLAUDE_MAX_TOKENS'),
      oauthToken: setting('CLAUDE_CODE_OAUTH_TOKEN'),
      apiKey: setting('ANTHROPIC_API_KEY'),
      home: setting('CLAUDE_HOME') ?? join(homedir(), '.claude'),
      stateFolder: stateFolder(),
      searchPath: setting('PATH') ?? '',
    }),
});

/** Codex: `codex exec`. The sandbox is `CODEX_SANDBOX`, default read-only. */
export const codexCliLanguageModel: LanguageModelV4 = cliLanguageModel({
  modelId: 'codex',
  cli: () =>
    codexCli({
      cliPath: setting('CODEX_CLI_PATH'),
      model: setting('CODEX_DEFAULT_MODEL'),
      apiUrl: setting('CODEX_API_URL'),
      apiKey: setting('CODEX_API_KEY'),
      home: setting('CODEX_HOME') ?? join(homedir(), '.codex'),
      sandbox: SANDBOXES.find((one) => one === setting('CODEX_SANDBOX')),
      searchPath: setting('PATH') ?? '',
    }),
});

function setting(name: string): string | undefined {
  const value = process.env[name];
  return value === '' ? undefined : value;
}

function numberOf(name: string): number | undefined {
  const value = Number(setting(name));
  return Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

/** Claude Code writes its sessions into its home: not into the user's. */
function stateFolder(): string {
  const folder = join(tmpdir(), `seed-agent-claude-${userInfo().username}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}
