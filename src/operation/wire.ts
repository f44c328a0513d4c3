// The one place where names change: snake_case on every wire, camelCase in code. Led by the schema, so that what a schema
// leaves open (JSON values, keys of records) goes through untouched.
import type { z } from 'zod';

/** `callId` → `call_id`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** `call_id` → `callId`. */
export function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

interface Member {
  code: string;
  wire: string;
  names: Names;
}

/** Which members of a value are renamed; compiled once from its schema. */
export interface Names {
  /** Nothing to rename here or below. */
  same: boolean;
  /** Something here or below is closed. */
  checks: boolean;
  /** By name in code; undefined where the value has no declared members. */
  members?: Map<string, Member>;
  byWire?: Map<string, Member>;
  /** Members that are not declared are refused. */
  closed: boolean;
  /** Of members that are not declared (values of a record). */
  rest?: Names;
  /** Of an array's items. */
  items?: Names;
}

/** Of values without members of their own. */
const SCALAR: Names = { same: true, checks: false, closed: true };
/** Of values that may be anything. */
const OPEN: Names = { same: true, checks: false, closed: false };

/** Compile the names of a schema. For inputs `io` is 'input': what a caller may send. */
export function namesOf(schema: z.ZodType, io: 'input' | 'output'): Names {
  return compile(schema, { io, seen: new Map() });
}

/** A value in wire names. Declared members only are renamed. */
export function toWire(names: Names, value: unknown): unknown {
  if (names.same || value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) {
    const items = names.items;
    return items === undefined || items.same ? value : value.map((item) => toWire(items, item));
  }
  const result: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const member = names.members?.get(key);
    const below = (value as Record<string, unknown>)[key];
    if (member !== undefined) result[member.wire] = toWire(member.names, below);
    else put(result, key, names.rest === undefined ? below : toWire(names.rest, below));
  }
  return result;
}

/** A member that a caller sent and nobody declared. */
export interface UnknownMember {
  /** In wire names, `a.b.0.c`. */
  path: string;
  /** The declared wire names beside it. */
  known: readonly string[];
}

/** A value in code names; `unknown` receives what no schema declares. */
export function fromWire(names: Names, value: unknown, unknown: UnknownMember[], path = ''): unknown {
  if ((names.same && !names.checks) || value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) {
    const items = names.items;
    return items === undefined ? value : value.map((item, index) => fromWire(items, item, unknown, join(path, String(index))));
  }
  const { byWire, rest, closed } = names;
  if (byWire === undefined && rest === undefined) return value;
  const result: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const below = (value as Record<string, unknown>)[key];
    const member = byWire?.get(key);
    if (member !== undefined) result[member.code] = fromWire(member.names, below, unknown, join(path, key));
    // A name as code spells it is as unknown on the wire as any other: one spelling, or two could contradict each other.
    else if (closed || names.members?.has(key)) unknown.push({ path: join(path, key), known: [...(byWire?.keys() ?? [])] });
    else put(result, key, rest === undefined ? below : fromWire(rest, below, unknown, join(path, key)));
  }
  return result;
}

/** A path of zod's, in code names, as the caller knows it: `filter.0`, `call_id`. */
export function wirePath(names: Names, path: readonly PropertyKey[]): string {
  let at: Names | undefined = names;
  const parts: string[] = [];
  for (const key of path) {
    const member: Member | undefined = at?.members?.get(String(key));
    parts.push(member?.wire ?? String(key));
    at = member?.names ?? (typeof key === 'number' ? at?.items : at?.rest);
  }
  return parts.join('.');
}

/** The same renaming for a JSON Schema that was made from a zod schema: member names and `required`, at every depth. */
export function wireJsonSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(wireJsonSchema);
  if (schema === null || typeof schema !== 'object') return schema;
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === 'properties' && value !== null && typeof value === 'object') {
      result[key] = Object.fromEntries(Object.entries(value).map(([name, below]) => [snakeCase(name), wireJsonSchema(below)]));
    } else if (key === 'required' && Array.isArray(value)) {
      result[key] = value.map((name) => snakeCase(String(name)));
    } else {
      result[key] = OPAQUE_KEYWORDS.has(key) ? value : wireJsonSchema(value);
    }
  }
  return result;
}

/** Keywords of JSON Schema whose value is data, not a schema. */
const OPAQUE_KEYWORDS = new Set(['const', 'default', 'enum', 'examples', 'description', 'title', 'pattern']);

interface Compilation {
  io: 'input' | 'output';
  /** By schema, entered before its members are compiled, so that a recursive schema ends. */
  seen: Map<object, Names>;
}

/** What compile reads of zod's definitions. */
interface Definition {
  type: string;
  shape?: Record<string, z.ZodType>;
  catchall?: z.ZodType;
  element?: z.ZodType;
  valueType?: z.ZodType;
  innerType?: z.ZodType;
  options?: readonly z.ZodType[];
  items?: readonly z.ZodType[];
  left?: z.ZodType;
  right?: z.ZodType;
  in?: z.ZodType;
  out?: z.ZodType;
  getter?: () => z.ZodType;
}

function compile(schema: z.ZodType, compilation: Compilation): Names {
  const known = compilation.seen.get(schema);
  if (known !== undefined) return known;
  const definition = schema._zod.def as unknown as Definition;
  const below = (inner: z.ZodType): Names => compile(inner, compilation);
  switch (definition.type) {
    case 'object':
      return object(schema, definition, compilation);
    case 'array':
      return array(below(definition.element as z.ZodType));
    case 'tuple':
      return array((definition.items ?? []).map(below).reduce(merge, SCALAR));
    case 'record':
      return record(below(definition.valueType as z.ZodType));
    case 'union':
      return (definition.options ?? []).map(below).reduce(merge, SCALAR);
    case 'intersection':
      return merge(below(definition.left as z.ZodType), below(definition.right as z.ZodType));
    case 'pipe':
      return below((compilation.io === 'input' ? definition.in : definition.out) as z.ZodType);
    case 'lazy':
      return lazy(schema, definition, compilation);
    case 'unknown':
    case 'any':
    case 'custom':
      return OPEN;
    default:
      return definition.innerType === undefined ? SCALAR : below(definition.innerType);
  }
}

function object(schema: z.ZodType, definition: Definition, compilation: Compilation): Names {
  const members = new Map<string, Member>();
  const byWire = new Map<string, Member>();
  const catchall = definition.catchall?._zod.def.type;
  const closed = catchall === undefined || catchall === 'never';
  const names: Names = { same: false, checks: true, closed, members, byWire };
  compilation.seen.set(schema, names);
  for (const [code, inner] of Object.entries(definition.shape ?? {})) {
    const member = { code, wire: snakeCase(code), names: compile(inner, compilation) };
    members.set(code, member);
    byWire.set(member.wire, member);
  }
  const all = [...members.values()];
  names.same = all.every((member) => member.code === member.wire && member.names.same);
  names.checks = closed || all.some((member) => member.names.checks);
  return names;
}

function array(items: Names): Names {
  return items.same && !items.checks ? SCALAR : { same: items.same, checks: items.checks, closed: true, items };
}

function record(rest: Names): Names {
  return rest.same && !rest.checks ? OPEN : { same: rest.same, checks: rest.checks, closed: false, rest };
}

/** A recursive schema without a single declared member (any JSON) has nothing to rename, which shows only when it is complete. */
function lazy(schema: z.ZodType, definition: Definition, compilation: Compilation): Names {
  const names: Names = { same: false, checks: true, closed: false };
  compilation.seen.set(schema, names);
  Object.assign(names, compile((definition.getter as () => z.ZodType)(), compilation));
  const plain = !declares(names, new Set());
  return Object.assign(names, { same: plain, checks: !plain });
}

function declares(names: Names, visited: Set<Names>): boolean {
  if (visited.has(names)) return false;
  visited.add(names);
  return names.members !== undefined || [names.rest, names.items].some((below) => below !== undefined && declares(below, visited));
}

/** Of a union: the members of all its options; closed only if none of them leaves anything open. */
function merge(a: Names, b: Names): Names {
  if (a === SCALAR || a === b) return b;
  if (b === SCALAR) return a;
  const members = new Map([...(a.members ?? []), ...(b.members ?? [])]);
  const byWire = new Map([...(a.byWire ?? []), ...(b.byWire ?? [])]);
  for (const [code, member] of members) {
    const other = a.members?.get(code);
    if (other === undefined || other === member) continue;
    const both = { ...member, names: merge(other.names, member.names) };
    members.set(code, both);
    byWire.set(both.wire, both);
  }
  return {
    same: a.same && b.same,
    checks: a.checks || b.checks,
    closed: a.closed && b.closed,
    ...(members.size === 0 ? {} : { members, byWire }),
    ...part('rest', a, b),
    ...part('items', a, b),
  };
}

function part(name: 'rest' | 'items', a: Names, b: Names): Partial<Names> {
  const [first, second] = [a[name], b[name]];
  if (first === undefined || second === undefined) return first === undefined && second === undefined ? {} : { [name]: first ?? second };
  return { [name]: merge(first, second) };
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

/** Plain assignment would set the prototype for a member called `__proto__`. */
function put(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  else target[key] = value;
}
