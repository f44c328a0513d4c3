// Handlers of config:*.
import { parseEnv } from 'node:util';
import { SeedError } from '#lib/error.ts';
import { nearest } from '#lib/nearest.ts';
import type { OperationContext, PageInput } from '#operation/operation.ts';
import { pageOf } from '../operation.ts';
import { checkSetting, isSettingName, maskSetting, SETTINGS, type Config, type SettingName, type SettingState } from '../../config.ts';
import type { NodePorts } from '../ports.ts';
import { readStored, writeStored } from './store.ts';

type Context = OperationContext<NodePorts>;

function item(state: SettingState, pending?: SettingState) {
  const { name, value, origin, kind, expected, unit, change, description } = state;
  const waits = pending !== undefined && pending.value !== value && change === 'start';
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
  };
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
    throw new SeedError('invalid_input', `${name} is a secret and is not stored here`, {
      hint: `set ${name} in the environment or in .env`,
    });
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
