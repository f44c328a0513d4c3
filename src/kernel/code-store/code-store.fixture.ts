// For tests: a code store in a folder of its own, with a clock that stands still and everything it reports.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeedError } from '#lib/error.ts';
import { MemoryArtifactStore } from './artifact-store.fixture.ts';
import { CodeStore } from './code-store.ts';
import type { Damage } from './store-parts.ts';

export const AWAY = new SeedError('database_unavailable', 'the database is away');

export class StoreBench implements AsyncDisposable {
  readonly base: string;
  readonly root: string;
  readonly durable = new MemoryArtifactStore();
  readonly damages: Damage[] = [];
  nowMs = Date.parse('2026-01-01T00:00:00Z');

  static async make(): Promise<StoreBench> {
    return new StoreBench(await mkdtemp(join(tmpdir(), 'seed-store-')));
  }

  private constructor(base: string) {
    this.base = base;
    this.root = join(base, 'code');
  }

  /** Any number of times on the same folder. @param keysDir default: the same keys each time */
  open(keysDir = join(this.base, 'keys')): Promise<CodeStore> {
    const { root, durable } = this;
    return CodeStore.open({ root, keysDir, durable, nowMs: () => this.nowMs, onDamage: (damage) => this.damages.push(damage) });
  }

  /** With the same disk and keys, and nothing to repair from. */
  openAlone(): Promise<CodeStore> {
    return CodeStore.open({ root: this.root, keysDir: join(this.base, 'keys'), durable: new MemoryArtifactStore() });
  }

  /** Files of an artifact on the disk. */
  async filesOf(hash: string): Promise<string[]> {
    const names = await readdir(join(this.root, 'objects'));
    return names.filter((name) => name.startsWith(hash)).map((name) => join(this.root, 'objects', name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.base, { recursive: true });
  }
}
