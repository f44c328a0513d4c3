// JSON text that is already checked and written, carried through to the answer so that it is not parsed and written again.

/**
 * Allowed as the whole output, or as the value of one of its members whose schema is `z.unknown()`.
 * Whoever makes one vouches that `text` is JSON.
 */
export class RawJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  get value(): unknown {
    return JSON.parse(this.text) as unknown;
  }

  /** Anywhere else it still becomes what it says, only slower. */
  toJSON(): unknown {
    return this.value;
  }
}

/** JSON.stringify that takes the text of a RawJson, at the top or one level down (there it comes first), as it is. undefined becomes null. */
export function stringify(value: unknown): string {
  if (value instanceof RawJson) return value.text;
  if (value === null || typeof value !== 'object' || Array.isArray(value) || !hasRaw(value)) return JSON.stringify(value) ?? 'null';
  let raw = '';
  const rest: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    if (member instanceof RawJson) raw += `,${JSON.stringify(key)}:${member.text}`;
    else rest[key] = member;
  }
  const text = JSON.stringify(rest);
  return text === '{}' ? `{${raw.slice(1)}}` : `{${raw.slice(1)},${text.slice(1)}`;
}

function hasRaw(value: object): boolean {
  for (const key in value) {
    if ((value as Readonly<Record<string, unknown>>)[key] instanceof RawJson) return true;
  }
  return false;
}
