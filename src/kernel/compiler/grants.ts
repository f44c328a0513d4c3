// What a contract says besides the names of its capabilities: where they may go, and how much of each one call may use.
import { z } from 'zod';
import { NAME_PATTERN, notAName } from '#lib/name.ts';
import { hostPattern } from './host-pattern.ts';

export const FETCH_METHODS = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

const host = z
  .string()
  .max(260)
  .superRefine((text, context) => {
    const problem = hostPattern(text);
    if (typeof problem === 'string') context.addIssue({ code: 'custom', message: problem });
  });

export const fetchGrantSchema = z.strictObject({
  /** `api.example.com`, `*.example.org` (one label or more in front), with a port where it is not the scheme's own. */
  hosts: z.array(host).min(1, 'fetch needs the hosts it may reach').max(50),
  methods: z.array(z.enum(FETCH_METHODS)).min(1).default(['GET', 'HEAD']),
  /** Of one call; redirects are not counted. */
  requests: z.int().min(1).max(1_000).default(20),
  /** Headers and body of one request. */
  requestBytes: z.int().min(0).max(1_048_576).default(65_536),
  /** Body of one answer, unpacked. */
  responseBytes: z.int().min(1).max(4_194_304).default(1_048_576),
  /** Both ways together, over all requests of one call. */
  callBytes: z.int().min(1).max(67_108_864).default(8_388_608),
  /** One request with its redirects and its whole answer. */
  timeoutMs: z.int().min(1).max(60_000).default(10_000),
});
export type FetchGrant = z.output<typeof fetchGrantSchema>;

const callGrantSchema = z.strictObject({
  /** Names of agents. */
  agents: z
    .array(z.string().regex(NAME_PATTERN, { error: ({ input }) => notAName(input) }))
    .min(1, 'call needs the agents it may call')
    .max(100),
  /** Of one call. */
  calls: z.int().min(1).max(1_000).default(20),
  /** Both ways together, over all of them. */
  callBytes: z.int().min(1).max(67_108_864).default(8_388_608),
  /** One of them, waiting for its turn included. */
  timeoutMs: z.int().min(1).max(300_000).default(30_000),
});

/** No member has a default of its own: contracts that grant nothing of it keep the hash they had. */
export const grantsSchema = z.strictObject({ fetch: fetchGrantSchema.optional(), call: callGrantSchema.optional() });
export type Grants = z.output<typeof grantsSchema>;

/** A capability that is no use without its grant, and the member of it that is needed. */
const NEEDED = { fetch: 'hosts', call: 'agents' } as const;

/** Where names and grants do not belong together. */
export function* grantProblems(contract: {
  capabilities: readonly string[];
  grants?: Grants | undefined;
}): Generator<{ path: string; message: string }> {
  for (const [name, member] of Object.entries(NEEDED) as [keyof typeof NEEDED, string][]) {
    const isListed = contract.capabilities.includes(name);
    const isGranted = contract.grants?.[name] !== undefined;
    if (isListed && !isGranted) {
      yield { path: `grants.${name}.${member}`, message: `is missing: ${name} is granted, and nothing says which ${member} it may reach` };
    }
    if (isGranted && !isListed)
      yield { path: `grants.${name}`, message: `is given, and capabilities does not list ${JSON.stringify(name)}` };
  }
}
