// Handlers of config:*, and what of the settings changes while the node runs.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import type { Database } from '#db/database.ts';
import { SeedError } from '#lib/error.ts';
import { nearest } from '#lib/nearest.ts';
import type { OperationContext, PageInput } from '#operation/operation.ts';
import { pageOf } from '../operation.ts';
import { checkSetting, isSettingName, loadConfig, maskSetting, SETTINGS, type Config, type ConfigSources, type SettingName, type SettingState } from '../../config.ts';
import type { NodePorts } from '../ports.ts';
import { readStored, writeStored } from './store.ts';

type Context = OperationContext<NodePorts>;

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

function item(state: SettingState, pending?: SettingState) {
  const { name, value, origin, kind, expected, unit, change, description } = state;
  const waits = pending !== undefined && pending.value !== value && change === 'start';
  return { key: name, value, default: state.default, origin, kind, expected, unit, change, description, ...(waits ? { pending: pending.value } : {}) };
}

/** @throws SeedError `not_found` with the nearest name */
function settingName(key: string): SettingName {
  const name = key.toUpperCase().replaceAll('-', '_');
  if (isSettingName(name)) return name;
  const close = nearest(name, Object.keys(SETTINGS));
  throw new SeedError('not_found', `there is no setting ${JSON.stringify(key)}`, {
    hint: close === undefined ? 'seed config:list shows all of them' : `did you mean ${close}?`,
  });
}

function stateOf(config: Config, name: SettingName): SettingState {
  const state = config.settings.find((one) => one.name === name);
  if (state === undefined) throw new SeedError('internal', `the setting ${name} has no state`);
  return state;
}

export async function get(input: { key: string }, { ports }: Context) {
  const name = settingName(input.key);
  const pending = ports.settings.preview(await readStored(ports.database));
  return item(stateOf(ports.settings.config, name), stateOf(pending, name));
}

export async function list(input: PageInput, context: Context) {
  const { ports } = context;
  const pending = ports.settings.preview(await readStored(ports.database));
  const items = ports.settings.config.settings.map((state) => item(state, stateOf(pending, state.name)));
  return pageOf(items, input, context);
}

export async function set(input: { key: string; value: string | null }, { ports, principal, dryRun }: Context) {
  const name = settingName(input.key);
  if (SETTINGS[name].secret) {
    throw new SeedError('invalid_input', `${name} is a secret and is not stored here`, { hint: `set ${name} in the environment or in .env` });
  }
  const checked = input.value === null ? { ok: true as const } : checkSetting(name, input.value);
  if (!checked.ok) {
    throw new SeedError('invalid_input', `${name}=${String(maskSetting(name, input.value))} must be ${checked.expected}`, {
      details: [{ path: 'value', message: `must be ${checked.expected}` }],
    });
  }
  const stored = await readStored(ports.database);
  if (input.value === null) delete stored[name];
  else stored[name] = input.value;
  const preview = ports.settings.preview(stored);
  if (!dryRun) {
    await writeStored(ports.database, { name, value: input.value, principal: { kind: principal.kind, id: principal.id } });
    await ports.settings.adopt(ports.database);
  }
  return { ...item(stateOf(ports.settings.config, name), stateOf(preview, name)), applied: !dryRun };
}

export async function validate(input: { file?: string }, { ports }: Context) {
  const given: Record<string, string | undefined> =
    input.file === undefined
      ? Object.fromEntries(ports.settings.config.settings.flatMap((state) => (state.value === null || state.secret ? [] : [[state.name, String(state.value)]])))
      : parseEnv(input.file);
  const problems = [];
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === '') continue;
    if (!isSettingName(name)) {
      const close = nearest(name, Object.keys(SETTINGS));
      problems.push({ key: name, value: null, expected: close === undefined ? 'a setting of this program' : `a setting of this program; did you mean ${close}?` });
      continue;
    }
    const checked = checkSetting(name, value);
    if (!checked.ok) problems.push({ key: name, value: maskSetting(name, value), expected: checked.expected });
  }
  return { ok: problems.length === 0, problems, checked: Object.keys(given).length };
}
