// config:* — settings with where each comes from.
import { z } from 'zod';
import { operation } from '../operation.ts';

const key = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/)
  .describe('name of the setting, for example LOG_LEVEL or log-level');
const scalar = z.union([z.string(), z.number(), z.boolean()]).nullable();

export const settingItem = z.object({
  key: z.string(),
  value: scalar.describe('secrets are masked'),
  default: scalar,
  origin: z.enum(['default', 'store', 'file', 'env', 'argument']),
  kind: z.string(),
  expected: z.string(),
  unit: z.string().nullable(),
  change: z.enum(['runtime', 'start']).describe('runtime: takes effect at once; start: at the next start'),
  pending: scalar.optional().describe('stored, and in effect after the next start'),
  stored: z.string().optional().describe('stored, and without effect: the environment, .env or an argument says otherwise'),
  description: z.string(),
});

export const get = operation({
  name: 'config:get',
  summary: 'one setting with its origin; secrets masked',
  kind: 'read',
  permission: { resource: 'config', action: 'read' },
  input: z.object({ key }),
  output: settingItem,
  http: { method: 'GET', path: '/api/config/:key' },
  cli: { positionals: ['key'] },
  examples: [{ summary: 'on which port?', input: { key: 'PORT' } }],
  handler: () => import('./setting.ts').then((m) => m.get),
});

export const list = operation({
  name: 'config:list',
  summary: 'all settings with origin (default, store, file, env, argument)',
  kind: 'read',
  permission: { resource: 'config', action: 'read' },
  input: z.object({}),
  output: settingItem,
  http: { method: 'GET', path: '/api/config' },
  cli: { columns: ['key', 'value', 'origin', 'change', 'description'] },
  list: {
    fields: { key: 'string', value: 'string', origin: 'string', kind: 'string', change: 'string' },
    search: ['key', 'description'],
    defaultSort: 'key',
  },
  examples: [
    { summary: 'everything', input: {} },
    { summary: 'what was changed', input: { filter: ['origin!=default'] } },
  ],
  handler: () => import('./setting.ts').then((m) => m.list),
});

export const set = operation({
  name: 'config:set',
  summary: 'store a setting: checked, history kept',
  description:
    'Environment and .env win over what is stored. Settings that change at runtime take effect at once, the others at the next start.',
  kind: 'write',
  idempotent: true,
  permission: { resource: 'config', action: 'write' },
  input: z.object({ key, value: z.string().max(2_000).nullable().describe('null, or an empty text, takes the stored value back') }),
  output: settingItem.extend({ applied: z.boolean() }),
  http: { method: 'PUT', path: '/api/config/:key' },
  cli: { positionals: ['key', 'value'] },
  dryRun: true,
  examples: [
    { summary: 'log more', input: { key: 'LOG_LEVEL', value: 'debug' } },
    { summary: 'take it back', input: { key: 'LOG_LEVEL', value: '' } },
  ],
  handler: () => import('./setting.ts').then((m) => m.set),
});

export const validate = operation({
  name: 'config:validate',
  summary: 'check a .env file, or the settings that are in effect',
  kind: 'read',
  permission: { resource: 'config', action: 'read' },
  input: z.object({ file: z.string().max(65_536).optional().describe('a .env file; default: what is in effect') }),
  output: z.object({
    ok: z.boolean(),
    problems: z.array(z.object({ key: z.string(), value: scalar, expected: z.string() })),
    checked: z.int(),
  }),
  http: { method: 'POST', path: '/api/config/validate' },
  cli: { upload: { file: 'file' }, short: { file: 'f' }, verdict: 'ok' },
  examples: [
    { summary: 'what is in effect', input: {} },
    { summary: 'a file before it is used', input: { file: '.env' } },
  ],
  handler: () => import('./setting.ts').then((m) => m.validate),
});
