// A contract as data: what contract.ts says, after it was evaluated once in a sandbox. No author's code is in it.
import { z } from 'zod';
import { NAME_PATTERN, notAName } from '#lib/name.ts';
import { nearest } from '#lib/nearest.ts';
import { grantsSchema } from './grants.ts';

const jsonSchema = z.record(z.string(), z.unknown());

/** Limits of one call; the operator's ceilings are in the maxima. */
export const callLimitsSchema = z.strictObject({
  /** Processor time over all slices of the call. */
  cpuMs: z.int().min(1).max(60_000).default(100),
  /** Wall clock, not counting the time spent waiting for a capability. */
  deadlineMs: z.int().min(1).max(300_000).default(5_000),
  /** Longest pause between two chunks of a stream. */
  idleMs: z.int().min(1).max(300_000).default(30_000),
  /** A whole stream, the pauses of its reader included; 600,000 when left out. No default in here: contracts keep the hash they had. */
  streamMs: z.int().min(1).max(86_400_000).optional(),
  memoryMb: z.int().min(8).max(256).default(32),
  inputBytes: z.int().min(1).max(4_194_304).default(262_144),
  outputBytes: z.int().min(1).max(4_194_304).default(1_048_576),
  stateBytes: z.int().min(1).max(4_194_304).default(1_048_576),
  logLines: z.int().min(0).max(1_000).default(100),
});
export type CallLimits = z.output<typeof callLimitsSchema>;

export const CAPABILITIES = ['log', 'now', 'random', 'state', 'sleep', 'ask', 'fetch', 'call'] as const;
export type CapabilityName = (typeof CAPABILITIES)[number];

const capabilityName = z.enum(CAPABILITIES, {
  error: ({ input }) => {
    const shown = JSON.stringify(input)?.slice(0, 80);
    const near = typeof input === 'string' ? nearest(input, CAPABILITIES) : undefined;
    return `there is no capability ${shown}: ${near === undefined ? `there are ${CAPABILITIES.join(', ')}` : `did you mean ${near}?`}`;
  },
});

/** What an agent may be improved for without being asked: people are discontent, more calls fail, nothing has happened for long. */
export const AUTOMATIC_REASONS = ['score_drop', 'error_rate', 'stagnation'] as const;

/** Which of what was made before the next attempt of an improvement begins from. */
export const PARENT_POLICIES = ['best', 'score-novelty', 'islands'] as const;
export type ParentPolicy = (typeof PARENT_POLICIES)[number];

const searchPolicy = z.strictObject({
  /** Runs that one improvement may pay for. */
  attempts: z.int().min(1).max(20).default(3),
  /** … of which so many are under way at once. */
  parallel: z.int().min(1).max(8).default(1),
  parents: z.enum(PARENT_POLICIES).default('best'),
  /** Lines of descent that do not mix; only for `islands`. */
  islands: z.int().min(1).max(8).default(3),
  /** Of one run, where its program can be told so. */
  turns: z.int().min(1).max(1_000).default(50),
  /** … millionths of a dollar. Left out: no cap but those of the node. */
  microUsd: z.int().min(1).max(1_000_000_000).optional(),
});
export type SearchPolicy = z.output<typeof searchPolicy>;
export const DEFAULT_SEARCH: SearchPolicy = searchPolicy.parse({});

/** Names that mean something on every object: an export of one of them would be found where there is none. */
const RESERVED = new Set([
  'default',
  'constructor',
  'toString',
  'toLocaleString',
  'valueOf',
  'hasOwnProperty',
  'isPrototypeOf',
  'propertyIsEnumerable',
  'then',
  // What agent.ts exports beside it: see CODE_CHANGE.
  'codeChange',
]);

const exportName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/)
  .refine((name) => !RESERVED.has(name), 'is a name that every object has');

const evolvableParameter = z.strictObject({
  name: exportName,
  min: z.number(),
  max: z.number(),
  integer: z.boolean().default(false),
});

export const exportSpecSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('call'),
    name: exportName,
    input: jsonSchema,
    /** Of one chunk, where the handler is an async generator. */
    output: jsonSchema,
    /** Whether the handler is an async generator; left out, it decides at each call. */
    stream: z.boolean().optional(),
  }),
  z.strictObject({ kind: z.literal('lifecycle'), name: exportName }),
  /** A pure function of numbers that an offline search may rewrite. */
  z.strictObject({
    kind: z.literal('evolvable'),
    name: exportName,
    parameters: z.array(evolvableParameter).min(1).max(8),
    summary: z.string().max(500).default(''),
  }),
]);
export type ExportSpec = z.output<typeof exportSpecSchema>;

export const contractSchema = z.strictObject({
  contract: z.literal(1),
  name: z.string().regex(NAME_PATTERN, { error: ({ input }) => notAName(input) }),
  summary: z.string().max(500),
  exports: z.array(exportSpecSchema).min(1).max(64),
  /** Inputs with what they must give; run before a version may be called, and shown in the documentation. */
  examples: z
    .array(z.strictObject({ export: exportName.default('handle'), input: z.unknown(), output: z.unknown().optional() }))
    .max(50)
    .default([]),
  capabilities: z.array(capabilityName).default([]),
  /** What capabilities need besides their name. */
  grants: grantsSchema.optional(),
  limits: callLimitsSchema,
  /** The shape of an instance's state. Absent: version 1, of any shape. */
  state: z
    .strictObject({
      /** Grows when the shape changes: states of another version go through codeChange. */
      version: z.int().min(1).max(1_000_000).default(1),
      /** What every state of this version fits. */
      schema: jsonSchema.optional(),
    })
    .optional(),
  /** Who shares what a module keeps in its own variables. */
  isolation: z.enum(['version', 'key', 'call']).default('version'),
  objective: z.strictObject({ name: z.string(), unit: z.string().default(''), direction: z.enum(['minimize', 'maximize']) }).optional(),
  rollout: z
    .strictObject({
      /** How long a new version is compared with the one before. */
      observeMs: z.int().min(100).max(86_400_000).default(30_000),
      /** Rolled back when the share of failed calls is this much higher (0.02 = two points). */
      maxErrorRateIncrease: z.number().min(0).max(1).default(0.02),
      /** Rolled back when p95 is this many times the old one … */
      maxP95Ratio: z.number().min(1).max(100).default(2),
      /** … and at least this much higher. */
      minP95IncreaseMs: z.number().min(0).default(5),
      /** Calls that must have been seen before anything but hard failures decides. */
      minCalls: z.int().min(1).default(20),
      /** Calls ended by their own limit before the version is rolled back. */
      maxLimitHits: z.int().min(0).default(3),
    })
    .prefault({}),
  improvement: z
    .strictObject({
      enabled: z.boolean().default(true),
      /** The smallest relative gain on validation that is worth a swap. */
      minGain: z.number().min(0).max(1).default(0.01),
      /** When it is improved without being asked for; never when left out. No default in here: contracts keep the hash they had. */
      automatic: z
        .strictObject({
          on: z
            .array(z.enum(AUTOMATIC_REASONS))
            .max(AUTOMATIC_REASONS.length)
            .default([...AUTOMATIC_REASONS]),
          /** And in any case so long after the last one. */
          everyMs: z.int().min(60_000).max(2_678_400_000).optional(),
          /** Default: the node's. */
          proposer: z.string().min(1).max(64).optional(),
          /** Time to search. */
          budgetMs: z.int().min(1_000).max(86_400_000).default(60_000),
        })
        .optional(),
      /** How proposers that are asked in words look for it. */
      search: searchPolicy.optional(),
      /** Who lets a better version go live: a person, whatever rules say; or, where one fits, a rule of approvals. Left out: a person. */
      approval: z.enum(['person', 'rule']).optional(),
    })
    .prefault({}),
});
export type ContractData = z.output<typeof contractSchema>;

/** The function that agent.ts exports for states of another version. */
export const CODE_CHANGE = 'codeChange';

/** Which version of the state this contract's code reads and writes. */
export function stateVersionOf(contract: ContractData): number {
  return contract.state?.version ?? 1;
}

/** The call exports by name. */
export function callExport(contract: ContractData, name: string): Extract<ExportSpec, { kind: 'call' }> | undefined {
  return contract.exports.find((spec): spec is Extract<ExportSpec, { kind: 'call' }> => spec.kind === 'call' && spec.name === name);
}
