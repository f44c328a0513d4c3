// versions/<agent>/<n>.json and active/<agent> on disk: what the node last knew, readable without the database.
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { checkName } from '#lib/name.ts';
import type { VersionRecord } from './artifact-store.ts';
import type { Disk } from './disk.ts';
import { seal, unseal, type Unsealed } from './sealed.ts';

/** Which version of an agent is live on this node, and which was before it. */
export interface ActivePointer {
  agent: string;
  hash: string;
  /** Hash of the version that was live before; null for the first. */
  previous: string | null;
  /** UTC, ISO 8601. */
  activatedAt: string;
}

/** The pointer that `active/<agent>` had before: what counts when that is damaged. No agent's name has a dot. */
const BEFORE = '.before';

export class VersionFiles {
  readonly #disk: Disk;
  readonly #versions: string;
  readonly #active: string;

  constructor(disk: Disk, root: string) {
    this.#disk = disk;
    this.#versions = join(root, 'versions');
    this.#active = join(root, 'active');
  }

  /** @throws SeedError `storage_full` */
  async write(record: VersionRecord): Promise<void> {
    const folder = join(this.#versions, checkName(record.agent, 'agent'));
    await this.#disk.write(folder, { [`${record.number}.json`]: seal(record) });
  }

  read(agent: string, number: number): Promise<Unsealed<VersionRecord>> {
    return this.#read(join(this.#versions, checkName(agent, 'agent'), `${number}.json`));
  }

  async remove(agent: string, number: number): Promise<void> {
    await rm(join(this.#versions, checkName(agent, 'agent'), `${number}.json`), { force: true });
  }

  /** The whole ones, by number. */
  async list(agent: string): Promise<VersionRecord[]> {
    const names = await namesIn(join(this.#versions, checkName(agent, 'agent')));
    const numbers = names
      .flatMap((name) => (/^[1-9]\d{0,8}\.json$/.test(name) ? [Number.parseInt(name, 10)] : []))
      .toSorted((a, b) => a - b);
    const records = await Promise.all(numbers.map((number) => this.read(agent, number)));
    return records.flatMap((record, index) =>
      record.state === 'whole' && record.value.agent === agent && numbers[index] === record.value.number ? [record.value] : [],
    );
  }

  /** Agents that have a folder. */
  async agents(): Promise<string[]> {
    return (await namesIn(this.#versions)).filter((name) => !name.startsWith('.'));
  }

  readActive(agent: string): Promise<Unsealed<ActivePointer>> {
    return this.#readPointer(agent, '');
  }

  readBefore(agent: string): Promise<Unsealed<ActivePointer>> {
    return this.#readPointer(agent, BEFORE);
  }

  /** A pointer of another agent, in one piece or not, is not this one's. */
  async #readPointer(agent: string, suffix: string): Promise<Unsealed<ActivePointer>> {
    const read = await this.#read<ActivePointer>(join(this.#active, checkName(agent, 'agent') + suffix));
    return read.state === 'whole' && read.value.agent !== agent ? { state: 'damaged' } : read;
  }

  /** Swaps the pointer by rename; the one before is kept beside it. @throws SeedError `storage_full` */
  async writeActive(pointer: ActivePointer, before: ActivePointer | null): Promise<void> {
    const name = checkName(pointer.agent, 'agent');
    await this.#disk.write(this.#active, { ...(before === null ? {} : { [name + BEFORE]: seal(before) }), [name]: seal(pointer) });
  }

  async #read<T>(path: string): Promise<Unsealed<T>> {
    const [text = null] = await this.#disk.read([path]);
    return unseal(text);
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
