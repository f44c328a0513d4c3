// code:* — versions of agents: stage, check, make live, bring back, collect.
import { z } from 'zod';
import { operation } from '../operation.ts';
import { agentName } from './agent-name.ts';
import { lineageItem } from './lineage-item.ts';

const agent = agentName;
const version = z.string().min(1).max(64).describe('v3, 3, the beginning of a hash, "active" or "previous"');

export const versionItem = z.object({
  agent: z.string(),
  version: z.int(),
  hash: z.string(),
  status: z.enum(['active', 'previous', 'staged', 'rejected', 'retired']),
  verdict: z.string().describe('what its last time live showed'),
  quarantined: z.string().nullable().describe('why it does not go live again by itself; null: it may'),
  reason: z.string(),
  proposer: z.string(),
  parent: z.string().nullable(),
  sizeBytes: z.int(),
  cached: z.boolean().describe("on this node's disk; the durable copy is in the database"),
  createdAt: z.string(),
  liveAt: z.string().nullable(),
});

const swap = z.object({
  agent: z.string(),
  version: z.int(),
  hash: z.string(),
  fromVersion: z.int().nullable(),
  generation: z.int(),
  swapMs: z.number(),
  observing: z.boolean().describe('it is watched now, and taken back by itself if it is worse'),
  rehearsal: z
    .object({
      states: z.int().describe('stored states that were looked at'),
      changed: z.int().describe('those of an older version: codeChange was tried on copies of them'),
      down: z
        .enum(['exact', 'lossy', 'none'])
        .nullable()
        .describe('whether a rollback can take them back: exact without loss, lossy not for all, none codeChange does not go down'),
    })
    .nullable()
    .describe('null where no state has versions'),
  decided: z.array(z.string()).describe('frozen instances that were decided about, by key'),
  applied: z.boolean(),
});

export const list = operation({
  name: 'code:list',
  summary: 'versions of an agent in the store with digest, status, size',
  kind: 'read',
  permission: { resource: 'code', action: 'read' },
  input: z.object({ agent }),
  output: versionItem,
  http: { method: 'GET', path: '/api/code/:agent/versions' },
  cli: {
    positionals: ['agent'],
    columns: ['version', 'status', 'verdict', 'quarantined', 'hash', 'proposer', 'sizeBytes', 'createdAt', 'reason'],
  },
  list: {
    fields: {
      version: 'number',
      hash: 'string',
      status: 'string',
      verdict: 'string',
      proposer: 'string',
      sizeBytes: 'number',
      createdAt: 'time',
    },
    search: ['hash', 'proposer', 'reason'],
    defaultSort: 'version',
    defaultOrder: 'desc',
  },
  examples: [{ summary: 'versions of the packer', input: { agent: 'packer' } }],
  handler: () => import('./version.ts').then((m) => m.list),
});

export const get = operation({
  name: 'code:get',
  summary: 'source, metadata, compiled artifact digest of a version',
  kind: 'read',
  permission: { resource: 'code', action: 'read' },
  input: z.object({ agent, version: version.default('active') }),
  output: versionItem.extend({
    manifest: z.record(z.string(), z.unknown()).describe('to the letter what was hashed and signed, in its own names'),
    files: z.record(z.string(), z.string()).describe('path in the folder → text'),
  }),
  http: { method: 'GET', path: '/api/code/:agent/versions/:version' },
  cli: { positionals: ['agent', 'version'] },
  examples: [{ summary: 'the code that is live', input: { agent: 'packer', version: 'active' } }],
  handler: () => import('./version.ts').then((m) => m.get),
});

const versionName = z.object({ version: z.int(), hash: z.string() });

export const diff = operation({
  name: 'code:diff',
  summary: 'what is different between the sources of two versions',
  description:
    'Lines that were added and removed, protected files included, as a patch that git apply takes. Without --from it is what the version was made from.',
  kind: 'read',
  permission: { resource: 'code', action: 'read' },
  input: z.object({
    agent,
    from: version.optional().describe('default: the version that the other one was made from'),
    to: version.default('active'),
  }),
  output: z.object({
    agent: z.string(),
    from: versionName.nullable().describe('null: it was made from nothing'),
    to: versionName,
    added: z.int().describe('lines'),
    removed: z.int().describe('lines'),
    files: z.array(
      z.object({
        path: z.string(),
        change: z.enum(['added', 'removed', 'changed']),
        protected: z.boolean().describe('no proposer may change it'),
        added: z.int(),
        removed: z.int(),
      }),
    ),
    patch: z.string().describe('unified diff; empty: nothing is different'),
  }),
  http: { method: 'GET', path: '/api/code/:agent/diff' },
  cli: { positionals: ['agent', 'from', 'to'], texts: [{ member: 'patch', as: 'diff' }] },
  examples: [
    { summary: 'what made the live version', input: { agent: 'packer' } },
    { summary: 'from the first version to the third', input: { agent: 'packer', from: 'v1', to: 'v3' } },
  ],
  handler: () => import('./version-diff.ts').then((m) => m.diff),
});

export const lineage = operation({
  name: 'code:lineage',
  summary: 'tree of versions of an agent with scores, proposers, costs and who approved them',
  description: 'Candidates that did not become a version are in it too, with what refused them.',
  kind: 'read',
  permission: { resource: 'code', action: 'read' },
  input: z.object({
    agent,
    improvements: z.int().min(0).max(1_000).default(100).describe('newest ones whose refused candidates are shown, too'),
    graphviz: z.boolean().default(false).describe('draw it in the language of Graphviz: pipe it to dot -Tsvg'),
  }),
  output: z.object({
    agent: z.string(),
    items: z.array(lineageItem).describe('the first ones first'),
    drawing: z.string().describe('the same as lines of text'),
    graph: z.string().nullable().describe('the same in the language of Graphviz, if that was asked for'),
  }),
  http: { method: 'GET', path: '/api/code/:agent/lineage' },
  mcp: false,
  cli: {
    positionals: ['agent'],
    texts: [
      { member: 'graph', as: 'plain' },
      { member: 'drawing', as: 'drawing' },
    ],
  },
  examples: [
    { summary: 'who wrote what from what', input: { agent: 'packer' } },
    { summary: 'as a picture, with dot -Tsvg behind it', input: { agent: 'packer', graphviz: true } },
  ],
  handler: () => import('./lineage.ts').then((m) => m.lineage),
});

const files = z
  .record(z.string(), z.string())
  .describe('path in the folder → text; files that are not named are taken from the version it is based on');

const stageFailure = z.object({
  code: z.string(),
  message: z.string(),
  details: z.unknown().describe('as in an error of this code'),
});

export const validate = operation({
  name: 'code:validate',
  summary: 'compile, policy, contract and contract tests in the sandbox, without keeping anything',
  kind: 'read',
  permission: { resource: 'code', action: 'read' },
  input: z.object({ agent, from: files.describe('folder or files'), base: version.optional() }),
  output: z.object({
    ok: z.boolean(),
    stages: z.array(z.object({ stage: z.string(), ok: z.boolean(), durationMs: z.number(), report: stageFailure.nullable() })),
  }),
  http: { method: 'POST', path: '/api/code/validate' },
  cli: { positionals: ['agent'], upload: { from: 'folder' }, verdict: 'ok' },
  examples: [{ summary: 'would this folder pass?', input: { agent: 'packer', from: './agents/packer' } }],
  handler: () => import('./version.ts').then((m) => m.validate),
});

export const stage = operation({
  name: 'code:stage',
  dryRun: true,
  summary: 'put a version through the gate and into the store without making it live',
  kind: 'write',
  permission: { resource: 'code', action: 'write' },
  input: z.object({
    agent,
    from: files,
    base: version.optional().describe('default: the live version'),
    note: z.string().max(2_000).default(''),
  }),
  output: versionItem.extend({ applied: z.boolean(), timings: z.record(z.string(), z.number()).describe('milliseconds by stage') }),
  http: { method: 'POST', path: '/api/code/:agent/versions', status: 201 },
  cli: { positionals: ['agent'], upload: { from: 'folder' } },
  examples: [{ summary: 'from a folder', input: { agent: 'extract', from: './agents/extract', note: 'dates in ISO form' } }],
  handler: () => import('./version.ts').then((m) => m.stage),
});

export const promote = operation({
  name: 'code:promote',
  dryRun: true,
  summary: 'make a version active: hot swap, then watch it',
  kind: 'dangerous',
  permission: { resource: 'code', action: 'promote' },
  description:
    'A version in quarantine, because it ended its sandbox host three times, is refused unless a reason is given: that lets it out, and who did so and why is recorded.',
  input: z.object({
    agent,
    version,
    reason: z.string().trim().min(1).max(500).optional().describe('for the record; default: promoted by hand'),
  }),
  output: swap,
  http: { method: 'POST', path: '/api/code/:agent/versions/:version/promote' },
  cli: { positionals: ['agent', 'version'] },
  examples: [{ summary: 'make version 2 live', input: { agent: 'extract', version: 'v2' } }],
  handler: () => import('./version.ts').then((m) => m.promote),
});

export const rollback = operation({
  name: 'code:rollback',
  dryRun: true,
  summary: 'swap back to the previous (or a named) version',
  description:
    'States that got a newer version go back where that loses nothing: by codeChange if it is exact, else to what they were if nobody has written since. The others are frozen: the version that wrote them goes on answering them, agents:status names them, and --frozen decides.',
  kind: 'dangerous',
  permission: { resource: 'code', action: 'promote' },
  input: z.object({
    agent,
    version: version.optional().describe('default: the version that was live before'),
    reason: z.string().max(500).default('rolled back by hand'),
    frozen: z
      .enum(['discard', 'keep'])
      .optional()
      .describe(
        'swaps nothing, and decides about instances an earlier rollback left behind: discard what was written on their version since, or keep them there',
      ),
    key: z.string().min(1).max(200).optional().describe('with frozen: only this instance; default: all that are frozen'),
  }),
  output: swap,
  http: { method: 'POST', path: '/api/code/:agent/rollback' },
  cli: { positionals: ['agent', 'version'] },
  examples: [
    { summary: 'back to the one before', input: { agent: 'packer' } },
    { summary: 'back to the first', input: { agent: 'packer', version: 'v1' } },
    {
      summary: 'give up what one instance wrote on the version that was taken back',
      input: { agent: 'packer', frozen: 'discard', key: 'truck-7' },
    },
  ],
  handler: () => import('./version.ts').then((m) => m.rollback),
});

export const gc = operation({
  name: 'code:gc',
  dryRun: true,
  summary: 'delete cached versions past the retention, never active or previous',
  kind: 'dangerous',
  permission: { resource: 'code', action: 'write' },
  input: z.object({
    agent: agentName.optional().describe('default: all agents'),
    keep: z.int().min(1).max(10_000).default(100).describe('versions kept beside active and previous'),
    olderThan: z.string().default('7d').describe('younger ones are kept in any case'),
    durable: z.boolean().default(false).describe('forget them in the database too, with their source and reports, for ever'),
  }),
  output: z.object({ removed: z.array(z.string()), freedBytes: z.int(), kept: z.int(), applied: z.boolean() }),
  http: { method: 'POST', path: '/api/code/gc' },
  examples: [{ summary: 'what would go', input: {} }],
  handler: () => import('./version.ts').then((m) => m.gc),
});

export const verify = operation({
  name: 'code:verify',
  dryRun: true,
  idempotent: true,
  summary: 're-check hashes and signatures of the store; repair from the durable copy',
  description:
    'Reads every version on this node and in the database again. What is damaged or missing in one is put back from the other, if that one is what was signed. With a dry run it only says what is wrong.',
  kind: 'write',
  permission: { resource: 'code', action: 'write' },
  input: z.object({
    agent: agentName.optional().describe('default: all agents'),
    rotateKey: z.boolean().default(false).describe('first sign everything again with a fresh key, and from here on'),
    acceptOldKeyFor: z
      .string()
      .default('7d')
      .describe("how long the old key's signatures still count, for backups and other nodes; 0s: not at all"),
  }),
  output: z.object({
    ok: z.boolean().describe('nothing is wrong, or nothing any more'),
    checked: z.int().describe('versions'),
    durable: z.boolean().describe('the database answered; without it only this disk was checked'),
    findings: z.array(
      z.object({
        agent: z.string(),
        what: z.string().describe('v3, or active: the pointer to what is live'),
        where: z.enum(['disk', 'durable']),
        hash: z.string().nullable(),
        problem: z.string(),
        repaired: z.boolean(),
      }),
    ),
    keyId: z.string().describe('of the key that signs'),
    acceptedKeys: z.array(z.object({ keyId: z.string(), until: z.string().nullable().describe('null: until it is taken out') })),
    resigned: z.int().describe('versions that were signed again'),
    applied: z.boolean(),
  }),
  http: { method: 'POST', path: '/api/code/verify' },
  cli: { verdict: 'ok' },
  examples: [
    { summary: 'what is wrong, and mend it', input: {} },
    { summary: 'with a fresh key; the old one counts for another month', input: { rotateKey: true, acceptOldKeyFor: '30d' } },
  ],
  handler: () => import('./version.ts').then((m) => m.verify),
});
