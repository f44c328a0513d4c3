// What may be written to a log: secrets are replaced by their name and by their shape, and everything is kept small.

export const REDACTED = '[redacted]';

const MAX_DEPTH = 8;
const MAX_MEMBERS = 100;
const MAX_TEXT = 8_192;

/** Names, lower case without separators, whose value is a secret wherever they stand. */
const SECRET_NAMES = new Set(['passwd', 'jwt', 'otp', 'cookies', 'credential', 'credentials', 'privatekey']);
/** …and names that end like this (accessToken, x-api-key, METRICS_TOKEN, set-cookie). */
const SECRET_ENDINGS = [
  'token',
  'secret',
  'password',
  'passphrase',
  'apikey',
  'accesskey',
  'secretkey',
  'signingkey',
  'authorization',
  'cookie',
];

/** Secrets by their shape, inside any text. The first group, if there is one, is kept. */
const SECRET_TEXTS: readonly RegExp[] = [
  /\b((?:Bearer|Basic|Digest)\s+)[A-Za-z0-9._~+/=-]{6,}/gi,
  // scheme://user:password@host
  /(\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s/:@]{0,64}:)[^\s/@]{1,256}(?=@)/gi,
  // name=value and "name": "value", with the names above
  /((?:token|secret|password|passwd|passphrase|api[_-]?key|access[_-]?key|private[_-]?key|authorization|cookie)["']?\s{0,3}[=:]\s{0,3}["']?)(?!\[redacted\])(?:(?:Bearer|Basic)\s+)?[^\s"'&,;}]+/gi,
  /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]{0,8192}?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g,
  // JSON web tokens and the keys of the services that are likely to be near.
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?/g,
  /\b(?:sk|rk|pk)-[A-Za-z0-9_-]{16,}/g,
  /\b(?:gh[oprsu]|github_pat|glpat|xox[abprs]|npm|fo1|AKIA)[_-][A-Za-z0-9_-]{16,}/g,
];

/** Whether a member of this name is never shown: `token`, `x-api-key`, `METRICS_TOKEN`, `clientSecret`. */
export function isSecretName(name: string): boolean {
  const plain = name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  return SECRET_NAMES.has(plain) || SECRET_ENDINGS.some((ending) => plain.endsWith(ending));
}

/** A text without the secrets that can be told by their shape; cut off at 8 KiB. */
export function redactText(text: string): string {
  let shown = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}… (${text.length} characters)` : text;
  for (const pattern of SECRET_TEXTS)
    shown = shown.replace(pattern, (_, kept: unknown) => (typeof kept === 'string' ? kept : '') + REDACTED);
  return shown;
}

/** A plain copy of any value that can be shown and serialised: no secrets, no cycles, no getters that throw, bounded. */
export function redact(value: unknown): unknown {
  return copy(value, MAX_DEPTH, new Set());
}

function copy(value: unknown, depth: number, above: Set<object>): unknown {
  switch (typeof value) {
    case 'string':
      return redactText(value);
    case 'bigint':
      return value.toString();
    case 'function':
    case 'symbol':
      return String(value).slice(0, 80);
    case 'object':
      return value === null ? null : copyObject(value, depth, above);
    default:
      return value;
  }
}

function copyObject(value: object, depth: number, above: Set<object>): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof URL || value instanceof RegExp) return redactText(String(value));
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (above.has(value)) return '[circular]';
  if (depth === 0) return '[deeper]';
  above.add(value);
  try {
    const below = (member: unknown): unknown => copy(member, depth - 1, above);
    if (value instanceof Map) return copyMembers(value, below);
    if (value instanceof Headers) return copyMembers(value, below);
    if (Array.isArray(value) || value instanceof Set) return copyItems([...value], below);
    if (value instanceof Error) {
      const { name, message, stack, cause, ...rest } = value;
      const own = Object.entries({ name, message, stack, ...rest, ...(cause === undefined ? {} : { cause }) });
      return copyMembers(
        own.filter(([, member]) => member !== undefined),
        below,
      );
    }
    return copyMembers(Object.entries(value), below);
  } catch (error) {
    return `[unreadable: ${error instanceof Error ? error.name : 'error'}]`;
  } finally {
    above.delete(value);
  }
}

function copyItems(items: unknown[], below: (item: unknown) => unknown): unknown[] {
  const shown = items.slice(0, MAX_MEMBERS).map(below);
  if (items.length > MAX_MEMBERS) shown.push(`… ${items.length - MAX_MEMBERS} more`);
  return shown;
}

function copyMembers(members: Iterable<[unknown, unknown]>, below: (member: unknown) => unknown): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  let count = 0;
  for (const [key, member] of members) {
    count += 1;
    if (count > MAX_MEMBERS) continue;
    const name = String(key);
    shown[name] = isSecretName(name) && isSecretValue(member) ? REDACTED : below(member);
  }
  if (count > MAX_MEMBERS) shown['…'] = `${count - MAX_MEMBERS} more`;
  return shown;
}

/** A flag or nothing tells no secret and is worth seeing (`token: null`, `cookie: false`). */
function isSecretValue(value: unknown): boolean {
  return value !== null && value !== undefined && typeof value !== 'boolean' && value !== '';
}
