// ctx.fetch: an agent's request to a host of the internet, made by the node. Grant and address are checked before every
// connection, those of redirects included.
import { networkInterfaces } from 'node:os';
import { SeedError } from '#lib/error.ts';
import type { FetchGrant } from '../../../compiler/grants.ts';
import { allowsUrl, hostPattern, portOf } from '../../../compiler/host-pattern.ts';
import type { Capability, CapabilityRequest } from '../capability.ts';
import type { Policy } from '../policy.ts';
import { Slots } from '../slots.ts';
import { ENCODINGS } from './body.ts';
import { exchange, type ExchangeResponse } from './exchange.ts';
import { fetchRequest, fetchUrl, type FetchRequest } from './fetch-request.ts';
import { acceptableAddresses, isAcceptable, resolveByDns, type AddressRules, type Resolve } from './resolve.ts';
import { redactSecrets } from './secrets.ts';

export interface FetchOptions {
  policy: Policy;
  /** Default: the name servers of the machine. */
  resolve?: Resolve;
}

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Answers are held in the node's memory while they come: 4 MB each at most. */
const SLOTS = { perAgent: 16, inAll: 64 };
/** What may be told to another host than the one it was meant for. */
const HARMLESS_HEADERS = new Set(['accept', 'accept-language', 'content-type', 'user-agent']);
const OWN_ADDRESSES_MS = 5_000;

export function fetchCapability({ policy, resolve = resolveByDns }: FetchOptions): Capability {
  const slots = new Slots(SLOTS);
  const rules: AddressRules = {
    resolve,
    ownAddresses: ownAddresses(),
    allowsPrivate: (address, port) => policy.allowsPrivate(address, port),
  };
  return {
    names: ['fetch'],
    budget: ({ grants }) => ({ uses: grants?.fetch?.requests ?? 0, bytes: grants?.fetch?.callBytes ?? 0 }),
    async serve(request) {
      const { agent, contract } = request.call.version;
      const grant = contract.grants?.fetch;
      if (grant === undefined) throw new SeedError('forbidden', 'ctx.fetch: the contract grants no hosts');
      const asked = fetchRequest(request.args, grant);
      const timeout = AbortSignal.timeout(asked.timeoutMs);
      const signal = AbortSignal.any([request.signal, timeout]);
      try {
        return await slots.run(agent, signal, () => follow(asked, { request, grant, policy, rules, signal }));
      } catch (error) {
        if (timeout.aborted && !request.signal.aborted) {
          throw new SeedError('deadline', `ctx.fetch: no whole answer from ${asked.url.host} after ${asked.timeoutMs} ms`, {
            cause: error,
          });
        }
        if (request.signal.aborted) throw new SeedError('cancelled', 'ctx.fetch: the call is over', { cause: error });
        throw error;
      }
    },
  };
}

interface Way {
  request: CapabilityRequest;
  grant: FetchGrant;
  policy: Policy;
  rules: AddressRules;
  signal: AbortSignal;
}

async function follow(asked: FetchRequest, way: Way): Promise<string> {
  let hop = asked;
  for (let redirects = 0; ; redirects += 1) {
    const response = await once(hop, way);
    const location = REDIRECTS.has(response.status) ? response.headers.get('location') : undefined;
    if (location === undefined || asked.redirect === 'manual') return answer(hop, response);
    if (asked.redirect === 'error') throw new SeedError('forbidden', `ctx.fetch: ${hop.url.host} redirects, and redirects were not wanted`);
    if (redirects === MAX_REDIRECTS) {
      throw new SeedError('unavailable', `ctx.fetch: more than ${MAX_REDIRECTS} redirects, beginning at ${asked.url.host}`);
    }
    hop = redirected(hop, { status: response.status, to: fetchUrl(location, hop.url), grant: way.grant });
  }
}

/** One request, with the node's own headers, which nobody gets to see. */
async function once(hop: FetchRequest, { request, grant, policy, rules, signal }: Way): Promise<ExchangeResponse> {
  const { url, method, body } = hop;
  request.use.target = `${method} ${url.protocol}//${url.host}`;
  if (!grant.hosts.some((text) => isAllowed(text, url))) {
    throw new SeedError('forbidden', `ctx.fetch: the contract does not grant ${url.protocol}//${url.host}`, {
      hint: 'list it in grants.fetch.hosts of contract.ts',
    });
  }
  const port = portOf(url);
  const addresses = await acceptableAddresses(url, port, { rules, signal }).catch((error: unknown) => {
    const { address } = ((error as SeedError).details ?? {}) as { address?: string };
    if (address !== undefined) request.use.detail = `it is at ${address}`;
    throw error;
  });
  const secrets = policy.secretHeaders(request.call.version.agent, url);
  if (secrets.length > 0 && url.protocol !== 'https:' && !addresses.every((address) => rules.allowsPrivate(address, port))) {
    throw new SeedError('forbidden', `ctx.fetch: ${url.host} is sent a secret, and only over https`);
  }
  const headers = new Map([['user-agent', 'seed-agent'], ['accept', '*/*'], ...hop.headers, ['accept-encoding', ENCODINGS]]);
  for (const { name, value } of secrets) headers.set(name, value);
  const maxBytes = Math.min(grant.responseBytes, request.bytesLeft);
  const accepts = (address: string): boolean => isAcceptable(address, port, rules);
  const response = await exchange({ url, method, headers, body, addresses, accepts, maxBytes, signal });
  return redactSecrets(response, secrets);
}

function redirected(hop: FetchRequest, { status, to, grant }: { status: number; to: URL; grant: FetchGrant }): FetchRequest {
  if (hop.url.protocol === 'https:' && to.protocol !== 'https:') {
    throw new SeedError('forbidden', `ctx.fetch: ${hop.url.host} redirects from https to http`);
  }
  const isReading = hop.method === 'GET' || hop.method === 'HEAD';
  const becomesGet = !isReading && (status === 303 || ((status === 301 || status === 302) && hop.method === 'POST'));
  if (becomesGet && !grant.methods.includes('GET')) {
    throw new SeedError('forbidden', `ctx.fetch: ${hop.url.host} redirects to be read with GET, which the contract does not grant`);
  }
  const isSameOrigin = hop.url.origin === to.origin;
  const headers = [...hop.headers].filter(
    ([name]) => (isSameOrigin || HARMLESS_HEADERS.has(name)) && !(becomesGet && name.startsWith('content-')),
  );
  return { ...hop, url: to, headers: new Map(headers), ...(becomesGet ? { method: 'GET', body: null } : {}) };
}

function answer(hop: FetchRequest, { status, headers, body }: ExchangeResponse): string {
  const text = hop.as === 'base64' ? body.toString('base64') : decoded(body, headers.get('content-type') ?? '');
  return JSON.stringify({ status, ok: status >= 200 && status < 300, url: hop.url.href, headers: Object.fromEntries(headers), text });
}

function decoded(body: Buffer, contentType: string): string {
  const [, charset = 'utf-8'] = /;\s*charset="?([\w.:-]{1,40})"?/i.exec(contentType) ?? [];
  try {
    return new TextDecoder(charset).decode(body);
  } catch {
    return body.toString('utf8');
  }
}

function isAllowed(text: string, url: URL): boolean {
  const pattern = hostPattern(text);
  return typeof pattern !== 'string' && allowsUrl(pattern, url);
}

/** They change seldom, and asking for them takes a while. */
function ownAddresses(): () => readonly string[] {
  let known: readonly string[] = [];
  let untilMs = 0;
  return () => {
    if (performance.now() < untilMs) return known;
    untilMs = performance.now() + OWN_ADDRESSES_MS;
    known = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
    return known;
  };
}
