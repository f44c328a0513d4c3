// The programs of coding agents as this node is set up to run them. Whether they are there, and signed in, is found out by running them.
// Where the node is root they run as users of their own, and outside of the data folder, which stays closed to them.
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256 } from '#lib/canonical-json.ts';
import { tryApart, type Apartness } from '#lib/coding-cli/apart.ts';
import { CLAUDE_TRIAL, claudeCli } from '#lib/coding-cli/claude.ts';
import { CODEX_TRIAL, codexCli } from '#lib/coding-cli/codex.ts';
import type { CodingCli } from '#lib/coding-cli/coding-cli.ts';
import { mayChangeUser } from '#lib/coding-cli/run-user.ts';
import type { Config } from '../config.ts';

type Name = CodingCli['name'];

/** In the order they are offered in. */
export const CODING_CLIS: readonly Name[] = ['claude-code', 'codex'];

/** Whatever keeps a program from being run as somebody else may be mended while the node runs. */
const TRIED_AGAIN_MS = 60_000;
const NOT_ROOT: Apartness = { apart: null, isInstalled: true, isRoot: false, why: 'only root can run it as somebody else' };

export class CodingClis {
  readonly #config: Config;
  /** Outside of the data folder, for runs as other users; made when it is first asked for, by a node that owns its data folder then. */
  #made: string | null = null;
  readonly #tried = new Map<Name, { found: Promise<Apartness>; atMs: number }>();

  constructor(config: Config) {
    this.#config = config;
  }

  /** Where scratch worktrees are made. */
  get scratch(): string {
    return join(mayChangeUser() ? this.#outside() : this.#config.data.dir, 'scratch');
  }

  /** `model` instead of the configured one. */
  cli(name: Name, model?: string): CodingCli {
    return name === 'claude-code' ? this.#claude(model) : this.#codex(model);
  }

  /** Whether it is run as somebody else; tried once, and again from time to time where it is not. */
  apartness(name: Name): Promise<Apartness> {
    const { claude, codex, data, searchPath } = this.#config;
    if (!mayChangeUser()) return Promise.resolve(NOT_ROOT);
    const its =
      name === 'claude-code'
        ? { command: claude.cliPath ?? 'claude', trial: CLAUDE_TRIAL }
        : { command: codex.cliPath ?? 'codex', trial: CODEX_TRIAL };
    const last = this.#tried.get(name);
    if (last !== undefined && performance.now() - last.atMs < TRIED_AGAIN_MS) return last.found;
    const found = tryApart({ ...its, searchPath, folder: () => this.#outside(), closed: data.dir });
    this.#tried.set(name, { found, atMs: performance.now() });
    // What has been seen to hold is not tried again.
    found.then(
      ({ apart, why }) => {
        if (apart !== null && why === null) this.#tried.set(name, { found, atMs: Number.POSITIVE_INFINITY });
      },
      () => this.#tried.delete(name),
    );
    return found;
  }

  close(): void {
    if (this.#made !== null) rmSync(this.#made, { recursive: true, force: true });
  }

  #outside(): string {
    this.#made ??= folderOutside(this.#config.data.dir);
    return this.#made;
  }

  #claude(model?: string): CodingCli {
    const { claude: its, data, searchPath } = this.#config;
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
      apart: async () => (await this.apartness('claude-code')).apart,
    });
  }

  #codex(model?: string): CodingCli {
    const { codex: its, data, searchPath } = this.#config;
    return codexCli({
      cliPath: its.cliPath ?? undefined,
      model: model ?? its.model ?? undefined,
      apiUrl: its.apiUrl ?? undefined,
      apiKey: its.apiKey ?? undefined,
      // With a key it needs nobody's sign-in, and leaves nobody's home changed.
      home: its.home ?? (its.apiKey === null ? join(homedir(), '.codex') : stateFolder(data.dir, 'codex')),
      sandbox: its.sandbox,
      searchPath,
      apart: async () => (await this.apartness('codex')).apart,
    });
  }
}

function stateFolder(dataDir: string, name: string): string {
  const folder = join(dataDir, 'clis', name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** For others to pass through and not to look around in. Those that a killed life of this data folder's node has left are removed. */
function folderOutside(dataDir: string): string {
  const prefix = `seed-agent-${sha256(dataDir).slice(0, 12)}-`;
  const parent = tmpdir();
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(prefix)) continue;
    const left = join(parent, name);
    const found = lstatSync(left, { throwIfNoEntry: false });
    // Anybody can make a folder of this name there, and only root one of root's.
    if (found?.isDirectory() === true && found.uid === process.getuid?.()) rmSync(left, { recursive: true, force: true });
  }
  const folder = mkdtempSync(join(parent, prefix));
  chmodSync(folder, 0o711);
  return folder;
}
