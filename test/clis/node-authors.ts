// Who writes code for a node with these settings, as the node itself puts them together, without the rest of it.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Lineage } from '#improvement/lineage/lineage.ts';
import type { Author } from '#improvement/proposers/author/author.ts';
import { loadConfig } from '../../src/config.ts';
import { authors } from '../../src/node/authors.ts';
import { CodingClis } from '../../src/node/coding-clis.ts';

export class NodeAuthors implements Disposable {
  readonly #root = mkdtempSync(join(tmpdir(), 'seed-authors-'));
  readonly #clis: CodingClis;
  readonly #authors: readonly Author[];

  constructor(settings: Readonly<Record<string, string>>) {
    const env = { PATH: '/usr/bin:/bin', DATA_DIR: join(this.#root, 'data'), ...settings };
    const config = loadConfig({ env, cwd: this.#root });
    this.#clis = new CodingClis(config);
    const lineage = new Lineage({ folder: join(this.#root, 'lineage.git'), scratch: this.#clis.scratch, searchPath: config.searchPath });
    this.#authors = authors(config, { clis: this.#clis, lineage });
  }

  author(name: string): Author {
    const author = this.#authors.find((one) => one.name === name);
    if (author === undefined) throw new Error(`there is no author ${name}`);
    return author;
  }

  /** What they have left: folders of runs and of attempts, and worktrees that git still knows of. */
  left(): string[] {
    const { scratch } = this.#clis;
    const runs = namesIn(join(scratch, '..')).filter((name) => name.startsWith('run-'));
    return [...runs, ...namesIn(scratch), ...namesIn(join(this.#root, 'lineage.git', 'worktrees'))];
  }

  [Symbol.dispose](): void {
    this.#clis.close();
    rmSync(this.#root, { recursive: true, force: true });
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
