// A contract as operations show it: our own words in wire names, the author's schemas and examples as they are. It says what there
// is and refuses nothing: what the contract may say was checked when it was compiled.
import { z } from 'zod';

const schema = z.record(z.string(), z.unknown()).optional().describe('JSON Schema, as its author wrote it');

export const contractView = z.object({
  contract: z.int().describe('version of the form of contracts'),
  name: z.string(),
  summary: z.string(),
  exports: z.array(
    z.object({
      kind: z.string().describe('call: may be invoked; lifecycle; evolvable: may be rewritten by a search'),
      name: z.string(),
      input: schema,
      output: schema,
      stream: z.boolean().optional().describe('whether it streams; output is the schema of one chunk then'),
      parameters: z
        .array(z.object({ name: z.string(), min: z.number(), max: z.number(), integer: z.boolean() }))
        .optional()
        .describe('of what is evolvable'),
      summary: z.string().optional(),
    }),
  ),
  examples: z.array(z.object({ export: z.string(), input: z.unknown(), output: z.unknown().optional() })),
  capabilities: z.array(z.string()),
  grants: z
    .object({
      fetch: z
        .object({
          hosts: z.array(z.string()),
          methods: z.array(z.string()),
          requests: z.int(),
          requestBytes: z.int(),
          responseBytes: z.int(),
          callBytes: z.int(),
          timeoutMs: z.int(),
        })
        .optional(),
      call: z.object({ agents: z.array(z.string()), calls: z.int(), callBytes: z.int(), timeoutMs: z.int() }).optional(),
    })
    .optional()
    .describe('where its capabilities may go, and how much of each one call may use; the policy of the node may allow less'),
  limits: z.object({
    cpuMs: z.int(),
    deadlineMs: z.int(),
    idleMs: z.int(),
    streamMs: z.int().optional(),
    memoryMb: z.int(),
    inputBytes: z.int(),
    outputBytes: z.int(),
    stateBytes: z.int(),
    logLines: z.int(),
  }),
  state: z.object({ version: z.int(), schema }).optional().describe('shape of the state of an instance; absent: version 1 of any shape'),
  isolation: z.string(),
  objective: z.object({ name: z.string(), unit: z.string(), direction: z.string() }).optional(),
  rollout: z.object({
    observeMs: z.int(),
    maxErrorRateIncrease: z.number(),
    maxP95Ratio: z.number(),
    minP95IncreaseMs: z.number(),
    minCalls: z.int(),
    maxLimitHits: z.int(),
  }),
  improvement: z.object({
    enabled: z.boolean(),
    minGain: z.number(),
    approval: z.string().optional().describe('rule: a rule of approvals may let a better version go live; absent or person: a person does'),
    automatic: z
      .object({ on: z.array(z.string()), everyMs: z.int().optional(), proposer: z.string().optional(), budgetMs: z.int() })
      .optional()
      .describe('when it is improved without being asked for; absent: never'),
    search: z
      .object({ attempts: z.int(), parallel: z.int(), parents: z.string(), islands: z.int(), turns: z.int(), microUsd: z.int().optional() })
      .optional()
      .describe('how proposers that are asked in words look; absent: 3 attempts, one after the other, each from the best'),
  }),
});
