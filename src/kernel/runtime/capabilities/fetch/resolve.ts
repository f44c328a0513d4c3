// From a host to the addresses a request may go to. What is checked here is what the socket is given: nobody asks a second time.
import { Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import { SeedError } from '#lib/error.ts';
import { isPublicAddress } from '#lib/public-address.ts';
import { canonicalHost } from '../../../compiler/host-pattern.ts';

/** All addresses of a name. @throws Error of node:dns */
export type Resolve = (hostname: string, signal: AbortSignal) => Promise<readonly string[]>;

export interface AddressRules {
  resolve: Resolve;
  /** Addresses of this machine: it is not the internet, whatever its addresses are. */
  ownAddresses: () => readonly string[];
  allowsPrivate: (address: string, port: number) => boolean;
}

const ATTEMPT_MS = 2_000;
const ATTEMPTS = 2;

/**
 * Asks the name servers of the machine, and not its hosts file: `lookup` would block one of the few threads that files and
 * compression share with it for as long as an unwilling name server likes.
 */
export const resolveByDns: Resolve = async (hostname, signal) => {
  // Never asked of anybody (RFC 6761).
  if (hostname === 'localhost' || hostname.endsWith('.localhost')) return ['127.0.0.1', '::1'];
  const resolver = new Resolver({ timeout: ATTEMPT_MS, tries: ATTEMPTS });
  const cancel = (): void => resolver.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    const [four, six] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
    const found = [four, six].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    if (found.length === 0 && four.status === 'rejected') throw four.reason;
    return found;
  } finally {
    signal.removeEventListener('abort', cancel);
  }
};

/**
 * @returns at least one; every address of the host is acceptable
 * @throws SeedError `forbidden` without the address, which is in `details` and not for the agent; `unavailable` when there is none
 */
export async function acceptableAddresses(
  url: URL,
  port: number,
  options: { rules: AddressRules; signal: AbortSignal },
): Promise<readonly string[]> {
  const { rules, signal } = options;
  const literal = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  const addresses = isIP(literal) === 0 ? await namedAddresses(url.hostname, { rules, signal }) : [literal];
  const bad = addresses.find((address) => !isAcceptable(address, port, rules));
  if (bad === undefined) return addresses;
  throw new SeedError('forbidden', `ctx.fetch: ${url.hostname} is at a private or special address`, { details: { address: bad } });
}

export function isAcceptable(address: string, port: number, rules: AddressRules): boolean {
  if (rules.allowsPrivate(address, port)) return true;
  return isPublicAddress(address) && !rules.ownAddresses().includes(address);
}

async function namedAddresses(
  hostname: string,
  { rules, signal }: { rules: AddressRules; signal: AbortSignal },
): Promise<readonly string[]> {
  const name = canonicalHost(hostname) ?? hostname;
  let addresses: readonly string[];
  try {
    addresses = await rules.resolve(name, signal);
  } catch (error) {
    signal.throwIfAborted();
    const { code = 'failed' } = error as NodeJS.ErrnoException;
    throw new SeedError('unavailable', `ctx.fetch: ${hostname} could not be resolved (${code})`, { cause: error });
  }
  if (addresses.length === 0) throw new SeedError('unavailable', `ctx.fetch: ${hostname} has no address`);
  return addresses;
}
