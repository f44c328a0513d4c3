// Takes what a schema marks as `secret` out of a value before it is written down.

type JsonSchema = Readonly<Record<string, unknown>>;
type Redact = (value: unknown) => unknown;

/** Stands where a secret was. */
export const REDACTED = '[redacted]';

/** A function that copies a value without its secrets, or null when the schema marks none. Follows properties, items, prefixItems, additionalProperties and the branches of anyOf, oneOf and allOf. */
export function redactor(schema: JsonSchema): Redact | null {
  if (schema['secret'] === true) return () => REDACTED;
  const steps: Redact[] = [];
  const members = new Map<string, Redact>();
  for (const [name, child] of Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>)) {
    const redact = redactor(child);
    if (redact !== null) members.set(name, redact);
  }
  if (members.size > 0) steps.push((value) => mapMembers(value, (name) => members.get(name)));
  const rest = schema['additionalProperties'];
  if (isSchema(rest)) {
    const redact = redactor(rest);
    const known = (schema['properties'] ?? {}) as Record<string, unknown>;
    if (redact !== null) steps.push((value) => mapMembers(value, (name) => (Object.hasOwn(known, name) ? undefined : redact)));
  }
  if (isSchema(schema['items'])) {
    const redact = redactor(schema['items']);
    if (redact !== null) steps.push((value) => (Array.isArray(value) ? value.map(redact) : value));
  }
  if (Array.isArray(schema['prefixItems'])) {
    const each = (schema['prefixItems'] as JsonSchema[]).map(redactor);
    if (each.some((redact) => redact !== null)) {
      steps.push((value) => (Array.isArray(value) ? value.map((item, index) => each[index]?.(item) ?? item) : value));
    }
  }
  for (const word of ['anyOf', 'oneOf', 'allOf']) {
    // A branch that does not apply can only take out too much, never too little.
    for (const branch of (schema[word] ?? []) as JsonSchema[]) {
      const redact = redactor(branch);
      if (redact !== null) steps.push(redact);
    }
  }
  if (steps.length === 0) return null;
  return (value) => steps.reduce((current, step) => step(current), value);
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function mapMembers(value: unknown, of: (name: string) => Redact | undefined): unknown {
  if (!isSchema(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, of(name)?.(member) ?? member]));
}
