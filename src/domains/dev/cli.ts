// cli:* — the operations about operations: list, help, reference, completion.
import { z } from 'zod';
import type { Flag } from '#operation/flag.ts';
import { operation, type Operation } from '#operation/operation.ts';
import type { DevPorts } from './ports.ts';

const permission = { resource: 'operations', action: 'read' };
const json = z.record(z.string(), z.unknown());

const flag = z.object({
  name: z.string(),
  member: z.string(),
  short: z.string().optional(),
  aliases: z.array(z.string()).optional(),
  type: z.string(),
  of: z.string().optional(),
  choices: z.array(z.string()).optional(),
  default: z.unknown().optional(),
  required: z.boolean().optional(),
  position: z.int().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  summary: z.string().optional(),
  upload: z.string().optional(),
  value: z.string().optional(),
} satisfies Record<keyof Flag, z.ZodType>);

export const list: Operation<DevPorts> = operation({
  name: 'cli:list',
  summary: 'all operations, with their flags, routes and examples',
  kind: 'read',
  permission,
  input: z.object({
    module: z.string().max(64).optional().describe('only those of this domain, for example agents'),
    kind: z.enum(['read', 'write', 'dangerous', 'local']).optional().describe('only those of this kind'),
  }),
  // One word each: these names are the same on the wire, and what is inside uses the wire's names already.
  output: z.object({
    name: z.string(),
    kind: z.string(),
    summary: z.string(),
    description: z.string().optional(),
    aliases: z.array(z.string()).optional(),
    permission: z.string(),
    method: z.string().optional(),
    path: z.string().optional(),
    raw: z.boolean().optional(),
    stream: z.boolean().optional(),
    plan: z.boolean().optional().describe('answers a dry run'),
    keyed: z.boolean().optional().describe('takes an idempotency key'),
    fields: z.record(z.string(), z.string()).optional().describe('of a list: what it can be filtered and ordered by'),
    short: z.record(z.string(), z.string()).optional(),
    columns: z.array(z.string()).optional(),
    live: z.string().optional(),
    verdict: z.string().optional(),
    watch: z
      .object({ operation: z.string(), input: z.record(z.string(), z.string()) })
      .optional()
      .describe('whose stream --follow shows'),
    flags: z.array(flag),
    examples: z.array(z.object({ summary: z.string(), input: json })),
    input: json.describe('JSON Schema'),
  }),
  http: { method: 'GET', path: '/api/operations' },
  cli: { short: { module: 'm' }, columns: ['name', 'kind', 'summary'] },
  list: {
    fields: { name: 'string', kind: 'string', permission: 'string', method: 'string', path: 'string' },
    search: ['name', 'summary', 'description'],
    defaultSort: 'name',
    defaultLimit: 100,
  },
  examples: [
    { summary: 'everything that can be asked', input: {} },
    { summary: 'what can break something', input: { kind: 'dangerous' } },
    { summary: 'by what it does', input: { search: 'version' } },
  ],
  handler: () => import('./command.ts').then((m) => m.list),
});

export const help: Operation<DevPorts> = operation({
  name: 'cli:help',
  summary: 'flags and examples of a command, or all commands',
  kind: 'local',
  permission,
  input: z.object({
    command: z.string().max(200).optional().describe('a command, a domain or a topic'),
    all: z.boolean().default(false).describe('every command with what it does, however many there are'),
  }),
  output: z.string(),
  http: null,
  cli: { positionals: ['command'], short: { all: 'a' } },
  examples: [
    { summary: 'all commands', input: {} },
    { summary: 'one of them', input: { command: 'agents:improve' } },
    { summary: 'what an exit code means', input: { command: 'exit-codes' } },
  ],
  handler: () => import('./command.ts').then((m) => m.help),
});

export const docs: Operation<DevPorts> = operation({
  name: 'cli:docs',
  summary: 'reference of all commands and routes: Markdown, JSON, OpenAPI or a man page',
  kind: 'local',
  permission,
  input: z.object({
    format: z.enum(['markdown', 'md', 'json', 'openapi', 'man']).default('markdown').describe('form of the reference'),
  }),
  output: z.string(),
  http: null,
  cli: { short: { format: 'f' } },
  examples: [
    { summary: 'into a file', input: { format: 'markdown', output: 'commands.md' } },
    { summary: 'a man page', input: { format: 'man', output: 'seed.1' } },
  ],
  handler: () => import('./reference.ts').then((m) => m.docs),
});

export const completion: Operation<DevPorts> = operation({
  name: 'cli:completion',
  summary: 'shell completion, to be sourced by bash, zsh or fish',
  description:
    'bash: add  source <(seed cli:completion --shell bash)  to ~/.bashrc. zsh: write it to a file called _seed in a folder of $fpath. fish: write it to ~/.config/fish/completions/seed.fish.',
  kind: 'local',
  permission,
  input: z.object({ shell: z.enum(['bash', 'zsh', 'fish']).describe('which shell') }),
  output: z.string(),
  http: null,
  cli: { positionals: ['shell'], short: { shell: 's' } },
  examples: [{ summary: 'for bash, in this session: source <(…)', input: { shell: 'bash' } }],
  handler: () => import('./completion.ts').then((m) => m.completion),
});
