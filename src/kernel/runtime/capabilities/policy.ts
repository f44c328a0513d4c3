// The operator's word on what agents may be granted. Without a policy file: every capability, and any public host that a
// contract names. A rule holds for the agent of its name, member by member before the rule for `*`.
import { BlockList, isIP } from 'node:net';
import { z } from 'zod';
import { NAME_PATTERN } from '#lib/name.ts';
import { CAPABILITIES, type CapabilityName } from '../../compiler/contract.ts';
import { FETCH_METHODS } from '../../compiler/grants.ts';
import { allowsUrl, hostPattern, type HostPattern } from '../../compiler/host-pattern.ts';
import type { Rate } from './rate-limits.ts';

const host = z.string().superRefine((text, context) => {
  const problem = hostPattern(text);
  if (typeof problem === 'string') context.addIssue({ code: 'custom', message: problem });
});

/** `10.1.2.3:8080`, `10.1.0.0/16:443`, `[fd00::/8]:443`. */
const privateRange = z.string().superRefine((text, context) => {
  if (rangeOf(text) === null) {
    const message = `${JSON.stringify(text)} is no address with a port: write 10.1.2.3:8080, 10.1.0.0/16:443 or [fd00::/8]:443`;
    context.addIssue({ code: 'custom', message });
  }
});

const count = z.int().min(0);
const rate = { per_minute: z.int().min(1), bytes_per_minute: z.int().min(1) };

const fetchRuleSchema = z
  .strictObject({
    hosts: z.array(host),
    methods: z.array(z.enum(FETCH_METHODS)),
    requests: count,
    request_bytes: count,
    response_bytes: count,
    call_bytes: count,
    timeout_ms: count,
    ...rate,
    /** By host and header: the variable of the environment that holds its value. The agent never sees it. */
    secret_headers: z.record(
      host,
      z.record(
        z.string().regex(/^[a-z0-9-]{1,64}$/, 'a header is written in lower-case letters, digits and "-"'),
        z.strictObject({ env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), prefix: z.string().max(64).default('') }),
      ),
    ),
  })
  .partial();

const callRuleSchema = z
  .strictObject({ agents: z.array(z.string()), calls: count, call_bytes: count, timeout_ms: count, ...rate })
  .partial();

const ruleSchema = z.strictObject({ capabilities: z.array(z.enum(CAPABILITIES)), fetch: fetchRuleSchema, call: callRuleSchema }).partial();

export const policySchema = z.strictObject({
  policy: z.literal(1),
  fetch: z.strictObject({ allow_private: z.array(privateRange).default([]) }).prefault({}),
  agents: z.record(z.union([z.literal('*'), z.string().regex(NAME_PATTERN)]), ruleSchema).default({}),
});
type PolicyData = z.output<typeof policySchema>;

type Rule = z.output<typeof ruleSchema>;
type FetchRule = z.output<typeof fetchRuleSchema>;
type CallRule = z.output<typeof callRuleSchema>;
type Kind = 'fetch' | 'call';

const DEFAULT_RATES = { fetch: { perMinute: 600, bytesPerMinute: 104_857_600 }, call: { perMinute: 6_000, bytesPerMinute: 104_857_600 } };

/** A header that the node adds to requests for a host. */
export interface SecretHeader {
  pattern: HostPattern;
  name: string;
  value: string;
}

export interface PolicyOptions {
  /** Value of a variable of the environment. */
  secret: (env: string) => string | undefined;
  /** Where a member is in the file, for messages: `policy.json:12`. */
  where: (path: readonly string[]) => string;
}

/** A member of the policy that has a say, and where it is. */
export interface Said<T> {
  value: T;
  path: readonly string[];
}

export class Policy {
  readonly where: PolicyOptions['where'];
  readonly #data: PolicyData;
  readonly #private: { list: BlockList; port: number }[];
  readonly #secrets = new Map<string, SecretHeader[]>();

  /** @throws Error for a secret that is not set */
  constructor(data: PolicyData, { secret, where }: PolicyOptions) {
    this.where = where;
    this.#data = data;
    this.#private = data.fetch.allow_private.map(rangeOf).filter((range) => range !== null);
    for (const [agent, rule] of Object.entries(data.agents)) this.#secrets.set(agent, secretsOf(agent, rule, { secret, where }));
  }

  /** What the policy says of one member; null: nothing. */
  says<M extends keyof FetchRule>(agent: string, kind: 'fetch', member: M): Said<NonNullable<FetchRule[M]>> | null;
  says<M extends keyof CallRule>(agent: string, kind: 'call', member: M): Said<NonNullable<CallRule[M]>> | null;
  says<M extends keyof FetchRule & keyof CallRule>(agent: string, kind: Kind, member: M): Said<NonNullable<FetchRule[M]>> | null;
  says(agent: string, kind: Kind, member: string): Said<unknown> | null {
    for (const name of [agent, '*']) {
      const value = (this.#rule(name)?.[kind] as Record<string, unknown> | undefined)?.[member];
      if (value !== undefined) return { value, path: ['agents', name, kind, member] };
    }
    return null;
  }

  capabilities(agent: string): Said<readonly CapabilityName[]> | null {
    for (const name of [agent, '*']) {
      const value = this.#rule(name)?.capabilities;
      if (value !== undefined) return { value, path: ['agents', name, 'capabilities'] };
    }
    return null;
  }

  rate(agent: string, capability: string): Rate {
    if (capability !== 'fetch' && capability !== 'call') return { perMinute: Infinity, bytesPerMinute: Infinity };
    const fallback = DEFAULT_RATES[capability];
    return {
      perMinute: this.says(agent, capability, 'per_minute')?.value ?? fallback.perMinute,
      bytesPerMinute: this.says(agent, capability, 'bytes_per_minute')?.value ?? fallback.bytesPerMinute,
    };
  }

  allowsPrivate(address: string, port: number): boolean {
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    return isIP(address) !== 0 && this.#private.some((range) => range.port === port && range.list.check(address, family));
  }

  /** What the node adds to a request of this agent. */
  secretHeaders(agent: string, url: URL): readonly SecretHeader[] {
    const names = this.#rule(agent)?.fetch?.secret_headers === undefined ? '*' : agent;
    return (this.#secrets.get(names) ?? []).filter(({ pattern }) => allowsUrl(pattern, url));
  }

  #rule(name: string): Rule | undefined {
    return Object.hasOwn(this.#data.agents, name) ? this.#data.agents[name] : undefined;
  }
}

/** No policy file. */
export function defaultPolicy(): Policy {
  return new Policy(policySchema.parse({ policy: 1 }), { secret: () => undefined, where: () => 'no policy file' });
}

function secretsOf(agent: string, rule: Rule, { secret, where }: PolicyOptions): SecretHeader[] {
  return Object.entries(rule.fetch?.secret_headers ?? {}).flatMap(([hostText, headers]) =>
    Object.entries(headers).map(([name, { env, prefix }]) => {
      const value = secret(env);
      const path = ['agents', agent, 'fetch', 'secret_headers', hostText, name];
      if (value === undefined || value === '') throw new Error(`${where(path)}: ${path.join('.')}: ${env} is not set`);
      if (!/^[\x20-\x7e]+$/.test(value)) throw new Error(`${where(path)}: ${path.join('.')}: ${env} can not be sent in a header`);
      return { pattern: hostPattern(hostText) as HostPattern, name, value: `${prefix}${value}` };
    }),
  );
}

function rangeOf(text: string): { list: BlockList; port: number } | null {
  const [, six, four, port] = /^(?:\[([0-9a-f:.]+(?:\/\d{1,3})?)\]|([\d.]+(?:\/\d{1,2})?)):(\d{1,5})$/i.exec(text) ?? [];
  const [network = '', prefix] = (six ?? four ?? '').split('/');
  const family = isIP(network);
  if (family !== (six === undefined ? 4 : 6) || Number(port) < 1 || Number(port) > 65_535) return null;
  const bits = family === 4 ? 32 : 128;
  if (Number(prefix ?? bits) > bits) return null;
  const list = new BlockList();
  list.addSubnet(network, Number(prefix ?? bits), family === 4 ? 'ipv4' : 'ipv6');
  return { list, port: Number(port) };
}
