// Text from a query string, a path or a flag, as the value that the input's JSON Schema asks for. Done here once for all
// surfaces; what does not fit stays text, so that the schema itself refuses it, with its path.
import type { JsonSchema } from './schema.ts';

const NUMBER = /^-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** What a surface has for one member: one text, several, or `true` for a flag without a value. */
export type RawValue = string | readonly string[] | true;

/** Coerce every member that the schema of the input knows; the names of both are the wire's. */
export function coerceMembers(schema: JsonSchema, raw: Readonly<Record<string, RawValue>>): Record<string, unknown> {
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>;
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(raw)) {
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    const coerced = property === undefined ? value : coerceValue(property, value, schema);
    // A member may be called __proto__ by a caller: it must arrive as a member, and be refused as one.
    Object.defineProperty(result, name, { value: coerced, enumerable: true, configurable: true, writable: true });
  }
  return result;
}

/** @param root where `$ref` is looked up. */
function coerceValue(schema: JsonSchema, value: RawValue, root: JsonSchema = schema): unknown {
  const forms = formsOf(schema, root, 0);
  if (typeof value === 'string' && isOpen(forms)) return json(value) ?? value;
  const list = forms.find((form) => form['type'] === 'array');
  if (list !== undefined) {
    const texts = value === true ? [''] : typeof value === 'string' ? [value] : value;
    const [only = ''] = texts;
    // A list may also be given whole, as JSON.
    if (texts.length === 1 && only.startsWith('[')) return json(only) ?? only;
    const items = (list['items'] ?? {}) as JsonSchema;
    return texts.map((text) => coerceValue(items, text, root));
  }
  if (value === true) return forms.some((form) => form['type'] === 'boolean') ? true : '';
  // Given more than once, though it can only have one value: left for the schema to refuse.
  if (typeof value !== 'string') return value.length === 1 ? coerceValue(schema, value[0] ?? '', root) : value;
  return scalar(forms, value);
}

function scalar(forms: readonly JsonSchema[], text: string): unknown {
  if (forms.some((form) => form['const'] === text || (form['enum'] as unknown[] | undefined)?.includes(text))) return text;
  const types = new Set(forms.map((form) => form['type']));
  if (types.has('string')) return text;
  if ((types.has('number') || types.has('integer')) && NUMBER.test(text.trim())) return Number(text);
  if (types.has('boolean') && (text === 'true' || text === '1' || text === '')) return true;
  if (types.has('boolean') && (text === 'false' || text === '0')) return false;
  if (types.has('null') && text === 'null') return null;
  // One level deeper, as JSON.
  return types.has('object') ? (json(text) ?? text) : text;
}

/** Whether any JSON will do: then text that is JSON is taken for what it says, and everything else for text. */
function isOpen(forms: readonly JsonSchema[]): boolean {
  const types = new Set(forms.map((form) => form['type'] ?? form['enum'] ?? form['const'] ?? ANYTHING));
  return types.has(ANYTHING) || ['string', 'number', 'array', 'object'].every((type) => types.has(type));
}

const ANYTHING = Symbol('anything');

/** The alternatives of a schema, each with one `type` (undefined: anything). */
function formsOf(schema: JsonSchema, root: JsonSchema, depth: number): readonly JsonSchema[] {
  if (depth > 8) return [{}];
  const reference = schema['$ref'];
  if (typeof reference === 'string') {
    const target = (root['$defs'] as Readonly<Record<string, JsonSchema>> | undefined)?.[reference.replace('#/$defs/', '')];
    return target === undefined ? [{}] : formsOf(target, root, depth + 1);
  }
  const options = (schema['anyOf'] ?? schema['oneOf'] ?? schema['allOf']) as readonly JsonSchema[] | undefined;
  if (options !== undefined) return options.flatMap((option) => formsOf(option, root, depth + 1));
  const type = schema['type'];
  return Array.isArray(type) ? type.map((one: string) => ({ ...schema, type: one })) : [schema];
}

/** undefined when it is not JSON (a JSON text is never undefined). */
function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
