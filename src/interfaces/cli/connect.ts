// A client of the node that the settings lead to.
import { createHttpClient, type HttpClient } from './http-client.ts';
import { findNode, type ConnectionSettings } from './node-address.ts';

/** @throws SeedError `unavailable` when no node has left an address */
export async function connect(
  settings: ConnectionSettings,
  { version, trace }: { version: string; trace?: ((line: string) => void) | undefined },
): Promise<HttpClient> {
  const { endpoint, token, unreachable } = await findNode(settings);
  return createHttpClient({ endpoint, token, unreachable, userAgent: `seed/${version}`, ...(trace === undefined ? {} : { trace }) });
}
