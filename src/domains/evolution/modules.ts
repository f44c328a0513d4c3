// modules:* — installed modules. Agents are the first kind of module there is.
import { z } from 'zod';
import { operation } from '../operation.ts';

export const list = operation({
  name: 'modules:list',
  aliases: ['extension:list'],
  summary: 'modules with type, version, enabled, state',
  kind: 'read',
  permission: { resource: 'modules', action: 'read' },
  input: z.object({ type: z.enum(['all', 'agent', 'context']).default('all') }),
  output: z.object({
    name: z.string(),
    type: z.enum(['agent', 'context']).describe('agent: hot-swappable code; context: part of the program'),
    version: z.string(),
    enabled: z.boolean(),
    state: z.string(),
    operations: z.int(),
  }),
  http: { method: 'GET', path: '/api/modules' },
  cli: { short: { type: 't' } },
  list: {
    fields: { name: 'string', type: 'string', version: 'string', state: 'string', enabled: 'boolean', operations: 'number' },
    search: ['name'],
    defaultSort: 'name',
  },
  examples: [{ summary: 'only what can be hot-swapped', input: { type: 'agent' } }],
  handler: () => import('./module.ts').then((m) => m.list),
});
