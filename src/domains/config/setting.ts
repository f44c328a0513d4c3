// Handlers of config:*.
import { parseEnv } from 'node:util';
import { SeedError } from '#lib/error.ts';
import { nearest } from '#lib/nearest.ts';
import type { OperationContext, PageInput } from '#operation/operation.ts';
import { pageOf } from '../operation.ts';
import { checkSetting, isSettingName, maskSetting, type Config, type SettingState } from '../../config.ts';
import { SETTINGS, type SettingName } from '../../settings.ts';
import type { NodePorts } from '../ports.ts';
import { readStored, writeStored } from './store.ts';

type Context = OperationContext<NodePorts>;

interface Stored {
  /** What the settings would be at the next start. */
  preview: Config;
  values: Readonly<Record<string, string>>;
}

function item(state: SettingState, stored: Stored) {
  const { name, value, origin, kind, expected, unit, change, description } = state;
  const pending = stateOf(stored.preview, name);
  const waits = pending.value !== value && change === 'start';
  const kept = stored.values[name];
  return {
    key: name,
    value,
    default: state.default,
    origin,
    kind,
    expected,
    unit,
    change,
    description,
    ...(waits ? { pending: pending.value } : {}),
    ...(kept !== undefined && OVER_THE_STORE.has(pending.origin) ? { stored: kept } : {}),
  };
}

/** Where a value may come from that wins over a stored one. */
const OVER_THE_STORE: ReadonlySet<SettingState['origin']> = new Set(['file', 'env', 'argument']);

async function readAll({ ports }: Context): Promise<Stored> {
  const values = await readStored(ports.database);
  return { values, preview: ports.settings.preview(values) };
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

export async function get(input: { key: string }, context: Context) {
  return item(stateOf(context.ports.settings.config, settingName(input.key)), await readAll(context));
}

export async function list(input: PageInput, context: Context) {
  const stored = await readAll(context);
  const items = context.ports.settings.config.settings.map((state) => item(state, stored));
  return pageOf(items, input, context);
}

export async function set(input: { key: string; value: string | null }, { ports, principal, dryRun }: Context) {
  const name = settingName(input.key);
  if (SETTINGS[name].secret) {
    throw new SeedError('invalid_input', `${name} is a secret and is not stored here`, {
      hint: `set ${name} in the environment or in .env`,
    });
  }
  if (SETTINGS[name].local) {
    throw new SeedError('forbidden', `${name} is for those who can change the environment of the node`, {
      hint: `set ${name} in the environment or in .env`,
    });
  }
  // As in .env, where an empty value is none.
  const value = input.value === '' ? null : input.value;
  const checked = value === null ? { ok: true as const } : checkSetting(name, value);
  if (!checked.ok) {
    throw new SeedError('invalid_input', `${name}=${String(maskSetting(name, value))} must be ${checked.expected}`, {
      details: [{ path: 'value', message: `must be ${checked.expected}` }],
    });
  }
  const values = await readStored(ports.database);
  if (value === null) delete values[name];
  else values[name] = value;
  const preview = ports.settings.preview(values);
  if (!dryRun) {
    await writeStored(ports.database, { name, value, principal: { kind: principal.kind, id: principal.id } });
    await ports.settings.adopt(ports.database);
  }
  return { ...item(stateOf(ports.settings.config, name), { values, preview }), applied: !dryRun };
}

export async function validate(input: { file?: string }, { ports }: Context) {
  const given: Record<string, string | undefined> =
    input.file === undefined
      ? Object.fromEntries(
          ports.settings.config.settings.flatMap((state) =>
            state.value === null || state.secret ? [] : [[state.name, String(state.value)]],
          ),
        )
      : parseEnv(input.file);
  const problems = [];
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === '') continue;
    if (!isSettingName(name)) {
      const close = nearest(name, Object.keys(SETTINGS));
      problems.push({
        key: name,
        value: null,
        expected: close === undefined ? 'a setting of this program' : `a setting of this program; did you mean ${close}?`,
      });
      continue;
    }
    const checked = checkSetting(name, value);
    if (!checked.ok) problems.push({ key: name, value: maskSetting(name, value), expected: checked.expected });
  }
  return { ok: problems.length === 0, problems, checked: Object.keys(given).length };
}
