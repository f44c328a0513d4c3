// The settings of a running node: what is in effect, and what of it changes while the node runs.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Database } from '#db/database.ts';
import { loadConfig, type Config, type ConfigSources } from '../../config.ts';
import { readStored } from './store.ts';

/** Copy of the stored settings that is read before the database is open. */
const FILE = 'settings.json';

/** What was stored, as far as it can be known without the database. A file that is gone or broken is made again from the database. */
export async function storedSettings(dataDir: string): Promise<Record<string, string>> {
  try {
    const stored: unknown = JSON.parse(await readFile(join(dataDir, FILE), 'utf8'));
    if (typeof stored !== 'object' || stored === null) return {};
    return Object.fromEntries(Object.entries(stored).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return {};
    throw error;
  }
}

/** The settings as they are in effect, and the way to change them. */
export class SettingsView {
  readonly #sources: ConfigSources;
  readonly #onChange: (config: Config) => void;
  #config: Config;

  /** @param onChange called with the new settings when one that changes at runtime did. */
  constructor(config: Config, sources: ConfigSources, onChange: (config: Config) => void) {
    this.#config = config;
    this.#sources = sources;
    this.#onChange = onChange;
  }

  get config(): Config {
    return this.#config;
  }

  /** What the settings would be with this in the store. */
  preview(store: Readonly<Record<string, string>>): Config {
    return loadConfig({ ...this.#sources, store });
  }

  /** Takes over what changes at runtime, and leaves the rest for the next start. */
  async adopt(database: Database): Promise<void> {
    const store = await readStored(database);
    const dir = this.#config.data.dir;
    await mkdir(dir, { recursive: true });
    const temporary = join(dir, `.${FILE}.new`);
    await writeFile(temporary, `${JSON.stringify(store, null, 2)}\n`, { mode: 0o600 });
    await rename(temporary, join(dir, FILE));
    const wanted = this.preview(store);
    const settings = this.#config.settings.map((state) => {
      const next = wanted.settings.find((other) => other.name === state.name);
      return state.change === 'runtime' && next !== undefined ? next : state;
    });
    this.#config = { ...this.#config, telemetry: wanted.telemetry, settings };
    this.#onChange(this.#config);
  }
}
