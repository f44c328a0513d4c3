// Runs in a sandbox beside contract.ts. Finds what zod can check but JSON Schema can not say: zod drops it without a word.
import type { z } from 'zod';

export interface Problem {
  /** From the contract's root: `exports.handle.input.items[].name`. */
  path: string;
  message: string;
}

type AnySchema = z.core.$ZodTypes;
type AnyCheck = z.core.$ZodChecks;
interface StringFormat {
  format: string;
  pattern?: RegExp;
  position?: number;
  protocol?: RegExp;
  hostname?: RegExp;
  normalize?: boolean;
}

const CODE_ONLY: Readonly<Record<string, string>> = {
  transform: 'a transform changes the value with code',
  pipe: 'pipe(), preprocess(), codec() and stringbool() change the value with code',
  catch: 'catch() replaces what is wrong instead of refusing it',
  custom: 'custom(), instanceof() and refine() decide with code',
  function: 'a function is not JSON',
  promise: 'a promise is not JSON',
  success: 'success() is the result of a check, not a value',
  date: 'a Date is not JSON: use z.iso.datetime()',
  bigint: 'a bigint is not JSON: use z.int() or a string',
  symbol: 'a symbol is not JSON',
  undefined: 'undefined is not JSON: use .optional()',
  void: 'undefined is not JSON: use .optional()',
  nan: 'NaN is not JSON',
  map: 'a Map is not JSON: use z.record() or an array of pairs',
  set: 'a Set is not JSON: use z.array()',
  file: 'a file is not JSON: use z.base64()',
};
const CHECKS = new Set(['less_than', 'greater_than', 'multiple_of', 'number_format', 'min_length', 'max_length', 'length_equals']);
/** Formats whose pattern says all that zod checks. */
const FORMATS = new Set(
  (
    'email url uuid guid nanoid cuid cuid2 ulid xid ksuid datetime date time ipv4 ipv6 mac cidrv4 cidrv6 base64 base64url e164 ' +
    'currency_code lowercase uppercase hex regex starts_with ends_with includes'
  ).split(' '),
);
const HASH_FORMAT = /^(md5|sha1|sha256|sha384|sha512)_(hex|base64|base64url)$/;
const ANNOTATIONS = new Set(['id', 'title', 'description', 'examples', 'deprecated', 'secret']);

/** Adds to `problems` whatever the enforced JSON Schema of `root` would not say. */
export function walkSchema(root: unknown, at: string, problems: Problem[]): void {
  const seen = new Set<AnySchema>();

  const walk = (schema: AnySchema, path: string): void => {
    if (seen.has(schema)) return;
    seen.add(schema);
    const report = (message: string): unknown => problems.push({ path, message });
    const { def } = schema._zod;
    checkAnnotations(schema, report);
    if ('coerce' in def && def.coerce === true) report('coercion changes the value with code');
    for (const check of def.checks ?? []) checkCheck(check as AnyCheck, report);
    // A schema like z.email() is its own first check.
    if ((def as { check?: string }).check === 'string_format') checkFormat(def as unknown as StringFormat, report);

    const inner = (child: z.core.$ZodType, step = ''): void => walk(child as AnySchema, path + step);
    switch (def.type) {
      case 'string':
      case 'number':
      case 'boolean':
      case 'null':
      case 'any':
      case 'unknown':
      case 'never':
      case 'template_literal':
        return;
      case 'enum':
        for (const value of Object.values(def.entries)) if (!isScalar(value)) report('a value of the enum is not JSON');
        return;
      case 'literal':
        for (const value of def.values) if (!isScalar(value)) report(`the literal ${String(value)} is not JSON`);
        return;
      case 'array':
        return inner(def.element, '[]');
      case 'object':
        for (const [name, child] of Object.entries(def.shape)) {
          if (name === '__proto__') report('a member can not be called __proto__');
          inner(child, `.${name}`);
        }
        if (def.catchall !== undefined) inner(def.catchall, '{}');
        return;
      case 'tuple':
        for (const [index, child] of def.items.entries()) inner(child, `[${index}]`);
        if (def.rest !== null) inner(def.rest, '[]');
        return;
      case 'record':
        if (!isStringKey(def.keyType as AnySchema))
          report('the keys of a JSON object are strings: use z.string(), an enum or string literals');
        inner(def.keyType, '{key}');
        return inner(def.valueType, '{}');
      case 'union':
        for (const [index, child] of def.options.entries()) inner(child, `<${index}>`);
        return;
      case 'intersection':
        inner(def.left);
        return inner(def.right);
      case 'optional':
      case 'nonoptional':
      case 'nullable':
      case 'readonly':
      case 'default':
      case 'prefault':
        return inner(def.innerType);
      case 'lazy':
        return inner(def.getter());
      default:
        report(CODE_ONLY[def.type] ?? `a schema of type ${def.type} can not be said in JSON Schema`);
    }
  };

  if (isSchema(root)) walk(root, at);
  else problems.push({ path: at, message: 'is not a schema made with z' });
}

function checkCheck(check: AnyCheck, report: (message: string) => unknown): void {
  const { def } = check._zod;
  // refine() adds a check that zod's own union of checks does not name.
  const name: string = def.check;
  if (def.check === 'string_format') return checkFormat(def, report);
  if (CHECKS.has(name)) return;
  if (name === 'overwrite') report('trim(), toLowerCase(), normalize() and overwrite() change the value with code');
  else if (name === 'custom') report('refine(), superRefine() and check() decide with code');
  else report(`the check ${name} can not be said in JSON Schema`);
}

function checkFormat(def: StringFormat, report: (message: string) => unknown): void {
  const { format, pattern } = def;
  if (!FORMATS.has(format) && !HASH_FORMAT.test(format)) report(`the format ${format} can not be enforced: use regex()`);
  const flags = (pattern?.flags ?? '').replace('u', '');
  if (flags !== '') report(`the flags "${flags}" of ${String(pattern)} would be lost: write the pattern without them`);
  if (def.position !== undefined) report('includes() with a position can not be said in JSON Schema');
  if (def.protocol !== undefined || def.hostname !== undefined)
    report('a url() with hostname or protocol can not be enforced: use regex()');
  if (def.normalize === true) report('a url() with normalize changes the value with code');
}

/** What .meta() adds goes into the JSON Schema as it stands: it may describe, never constrain. */
function checkAnnotations(schema: AnySchema, report: (message: string) => unknown): void {
  const { meta } = schema as unknown as { meta?: () => Record<string, unknown> | undefined };
  for (const [name, value] of Object.entries(meta?.call(schema) ?? {})) {
    if (!ANNOTATIONS.has(name)) report(`meta() knows ${[...ANNOTATIONS].join(', ')}, not ${name}`);
    if (name === 'secret' && typeof value !== 'boolean') report('secret is true or false');
  }
}

function isStringKey(key: AnySchema): boolean {
  const { def } = key._zod;
  switch (def.type) {
    case 'string':
    case 'template_literal':
      return true;
    case 'enum':
      return Object.values(def.entries).every((value) => typeof value === 'string');
    case 'literal':
      return def.values.every((value) => typeof value === 'string');
    case 'union':
      return def.options.every((option) => isStringKey(option as AnySchema));
    default:
      return false;
  }
}

function isScalar(value: unknown): boolean {
  return value === null || typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));
}

function isSchema(value: unknown): value is AnySchema {
  return typeof value === 'object' && value !== null && '_zod' in value;
}
