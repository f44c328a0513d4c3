// network:* — doors and wires of the node.
import { z } from 'zod';
import { operation } from '../operation.ts';

export const routes = operation({
  name: 'network:routes',
  summary: 'HTTP routes, from the operations that are registered now',
  kind: 'read',
  permission: { resource: 'network', action: 'read' },
  input: z.object({}),
  output: z.object({
    method: z.string(),
    path: z.string(),
    operation: z.string(),
    kind: z.string(),
    public: z.boolean(),
    stream: z.boolean(),
  }),
  http: { method: 'GET', path: '/api/network/routes' },
  list: {
    fields: { method: 'string', path: 'string', operation: 'string', kind: 'string', public: 'boolean', stream: 'boolean' },
    search: ['path', 'operation'],
    defaultSort: 'path',
  },
  examples: [{ summary: 'everything that can be reached', input: {} }],
  handler: () => import('./route.ts').then((m) => m.routes),
});
