// `api.example.com`, `*.example.org:8443`: which hosts a contract names, or an operator allows.
import { isIP } from 'node:net';
import { isPublicAddress } from '#lib/public-address.ts';

export interface HostPattern {
  /** As `URL.hostname` writes it, without a dot at the end. */
  host: string;
  /** Any host with at least one label in front of this one, and not this one itself. */
  isWildcard: boolean;
  /** null: the port that goes with http or https. */
  port: number | null;
}

const SHAPE = /^(\*\.)?(\[[0-9a-f:.]+\]|[^\s:/?#@[\]*]+)(?::(\d{1,5}))?$/i;

/** @returns what is wrong, as half a sentence */
export function hostPattern(text: string): HostPattern | string {
  const shown = JSON.stringify(text.slice(0, 100));
  const [, star, host = '', port] = SHAPE.exec(text) ?? [];
  if (host === '') return `${shown} is no host: write api.example.com, *.example.com or api.example.com:8443`;
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535 || port.startsWith('0'))) return `${shown} has no valid port`;
  const canonical = canonicalHost(host);
  if (canonical === null) return `${shown} is no host name`;
  if (canonical !== host) return `${shown} is to be written as ${star ?? ''}${canonical}${port === undefined ? '' : `:${port}`}`;
  const address = host.startsWith('[') ? host.slice(1, -1) : host;
  const isAddress = isIP(address) !== 0;
  if (isAddress && !isPublicAddress(address)) return `${shown} is a private or special address`;
  if (star !== undefined && (isAddress || !host.includes('.'))) return `${shown} is too wide: a wildcard needs two labels behind it`;
  return { host, isWildcard: star !== undefined, port: port === undefined ? null : Number(port) };
}

/** As `URL.hostname`, without a dot at the end; null when it is no host. */
export function canonicalHost(host: string): string | null {
  try {
    return withoutDot(new URL(`http://${host}/`).hostname) || null;
  } catch {
    return null;
  }
}

export function allowsUrl(pattern: HostPattern, url: URL): boolean {
  const port = portOf(url);
  if (pattern.port === null ? url.port !== '' : pattern.port !== port) return false;
  const host = withoutDot(url.hostname);
  return pattern.isWildcard ? host.endsWith(`.${pattern.host}`) && host.length > pattern.host.length + 1 : host === pattern.host;
}

/** Whether every URL that `narrow` allows is allowed by `wide`. */
export function covers(wide: HostPattern, narrow: HostPattern): boolean {
  if (wide.port !== narrow.port) return false;
  if (!wide.isWildcard) return !narrow.isWildcard && wide.host === narrow.host;
  return narrow.host.endsWith(`.${wide.host}`) || (narrow.isWildcard && narrow.host === wide.host);
}

/** Of http and https. */
export function portOf(url: URL): number {
  return url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
}

function withoutDot(host: string): string {
  return host.endsWith('.') ? host.slice(0, -1) : host;
}
