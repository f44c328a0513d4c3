// The programs of coding agents as this node is set up to run them. Whether they are there, and signed in, is found out by running them.
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { claudeCli } from '#lib/coding-cli/claude.ts';
import { codexCli } from '#lib/coding-cli/codex.ts';
import type { CodingCli } from '#lib/coding-cli/coding-cli.ts';
import type { Config } from '../config.ts';

/** By their names, in the order they are offered in. `model` instead of the configured one. */
export function codingCli(config: Config, name: CodingCli['name'], model?: string): CodingCli {
  return name === 'claude-code' ? claude(config, model) : codex(config, model);
}

export const CODING_CLIS: readonly CodingCli['name'][] = ['claude-code', 'codex'];

function claude({ claude: its, data, searchPath }: Config, model?: string): CodingCli {
  return claudeCli({
    cliPath: its.cliPath ?? undefined,
    model: model ?? its.model,
    apiUrl: its.apiUrl ?? undefined,
    maxOutputTokens: its.maxTokens ?? undefined,
    oauthToken: its.oauthToken ?? undefined,
    apiKey: its.apiKey ?? undefined,
    home: its.home ?? join(homedir(), '.claude'),
    // Its sessions and caches: not in the home of whoever started this node.
    stateFolder: stateFolder(data.dir, 'claude'),
    searchPath,
  });
}

function codex({ codex: its, data, searchPath }: Config, model?: string): CodingCli {
  return codexCli({
    cliPath: its.cliPath ?? undefined,
    model: model ?? its.model ?? undefined,
    apiUrl: its.apiUrl ?? undefined,
    apiKey: its.apiKey ?? undefined,
    // With a key it needs nobody's sign-in, and leaves nobody's home changed.
    home: its.home ?? (its.apiKey === null ? join(homedir(), '.codex') : stateFolder(data.dir, 'codex')),
    sandbox: its.sandbox,
    searchPath,
  });
}

function stateFolder(dataDir: string, name: string): string {
  const folder = join(dataDir, 'clis', name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}
