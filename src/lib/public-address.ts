// Which addresses belong to the open internet. Everything IANA lists as special purpose does not, the few that are reachable
// all the same (relays, AS112) included: nothing that an agent has to ask lives there.
import { BlockList, isIP } from 'node:net';

/** https://www.iana.org/assignments/iana-ipv4-special-registry, and multicast. */
const SPECIAL_V4 = subnets('ipv4', [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]);

/** The only part of IPv6 that is handed out; loopback, mapped, translated, unique local, link-local and multicast lie outside. */
const UNICAST_V6 = subnets('ipv6', ['2000::/3']);

/** https://www.iana.org/assignments/iana-ipv6-special-registry, as far as it lies inside. 2001::/23 holds Teredo, 2002::/16 is 6to4. */
const SPECIAL_V6 = subnets('ipv6', ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20']);

/** @param address as a resolver or `URL.hostname` gives it, without brackets; anything else is not public */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !SPECIAL_V4.check(address, 'ipv4');
    case 6:
      return !address.includes('%') && isPublicV6(address);
    default:
      return false;
  }
}

function isPublicV6(address: string): boolean {
  const translated = translatedV4(address);
  if (translated !== null) return isPublicAddress(translated);
  return UNICAST_V6.check(address, 'ipv6') && !SPECIAL_V6.check(address, 'ipv6');
}

/** What a network that has only IPv6 makes of an IPv4 address (64:ff9b::/96): as public as that one. */
function translatedV4(address: string): string | null {
  const { hostname } = new URL(`http://[${address}]`);
  const [, high, low] = /^\[64:ff9b::([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(hostname) ?? [];
  if (high === undefined || low === undefined) return null;
  return [high, low]
    .map((group) => Number.parseInt(group, 16))
    .flatMap((group) => [group >> 8, group & 255])
    .join('.');
}

function subnets(family: 'ipv4' | 'ipv6', list: readonly string[]): BlockList {
  const block = new BlockList();
  for (const subnet of list) {
    const [network = '', prefix] = subnet.split('/');
    block.addSubnet(network, Number(prefix), family);
  }
  return block;
}
