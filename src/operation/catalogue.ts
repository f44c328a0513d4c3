// What the surfaces need to know of an operation, as plain JSON: the node serves it, and the command line carries a
// generated copy, so that neither help nor completion imports zod.
import type { CatalogueEntry } from './catalogue-entry.ts';
import type { Flag, FlagType } from './flag.ts';
import type { CliBinding, Operation } from './operation.ts';
import { inputJsonSchema, outputJsonSchema } from './schema.ts';
import { snakeCase } from './wire.ts';

/** The part of JSON Schema that decides how a member is given as a flag. */
interface MemberSchema {
  type?: string | readonly string[];
  enum?: readonly unknown[];
  const?: unknown;
  anyOf?: readonly MemberSchema[];
  items?: MemberSchema;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  description?: string;
}

interface ObjectSchema {
  properties?: Readonly<Record<string, MemberSchema>>;
  required?: readonly string[];
}

/** The catalogue of these operations, in the order of their names. */
export function catalogueOf<Ports>(operations: Iterable<Operation<Ports>>): CatalogueEntry[] {
  return [...operations].map(catalogueEntry).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Members in wire names, in the order of the definition. */
export function catalogueEntry<Ports>(operation: Operation<Ports>): CatalogueEntry {
  const { name, summary, kind, permission, http, cli = {}, list } = operation;
  const input = inputJsonSchema(operation);
  const columns = (cli.columns ?? scalarMembers(outputJsonSchema(operation))).map(snakeCase);
  return {
    name,
    ...(operation.aliases === undefined || operation.aliases.length === 0 ? {} : { aliases: operation.aliases }),
    summary,
    ...(operation.description === undefined ? {} : { description: operation.description }),
    kind,
    permission: `${permission.resource}:${permission.action}`,
    ...(http === null ? {} : { method: http.method, path: http.path.replace(/:(\w+)/g, (_, member: string) => `:${snakeCase(member)}`) }),
    ...(http?.raw === undefined ? {} : { raw: true }),
    ...(operation.stream === true ? { stream: true } : {}),
    ...(operation.events === true ? { events: true } : {}),
    ...(http?.dialect === undefined ? {} : { dialect: http.dialect }),
    ...(operation.dryRun === true ? { plan: true } : {}),
    ...(operation.keyed === true ? { keyed: true } : {}),
    ...(list === undefined ? {} : { fields: renamed(list.fields) }),
    ...(cli.short === undefined ? {} : { short: kebabKeys(cli.short) }),
    ...(columns.length === 0 ? {} : { columns }),
    ...(cli.live === undefined ? {} : { live: cli.live }),
    ...(cli.verdict === undefined ? {} : { verdict: snakeCase(cli.verdict) }),
    ...(cli.texts === undefined ? {} : { texts: cli.texts.map(({ member, as }) => ({ member: snakeCase(member), as })) }),
    ...(cli.watch === undefined ? {} : { watch: { operation: cli.watch.operation, input: snakeValues(renamed(cli.watch.input)) } }),
    flags: Object.keys(operation.input.shape).map((member) => flagOf(snakeCase(member), input, cli)),
    examples: operation.examples.map((example) => ({ summary: example.summary, input: renamed(example.input) })),
    input,
  };
}

function flagOf(member: string, input: ObjectSchema, cli: CliBinding): Flag {
  const schema = input.properties?.[member] ?? {};
  const short = ofMember(cli.short, member);
  const upload = ofMember(cli.upload, member);
  const aliases = Object.entries(cli.flagAliases ?? {}).flatMap(([alias, target]) => (snakeCase(target) === member ? [alias] : []));
  const position = (cli.positionals ?? []).map(snakeCase).indexOf(member);
  const summary = schema.description ?? unwrapped(schema).description;
  return {
    name: member.replaceAll('_', '-'),
    member,
    ...(short === undefined ? {} : { short }),
    ...(aliases.length === 0 ? {} : { aliases }),
    ...shapeOf(schema),
    ...(schema.default === undefined ? {} : { default: schema.default }),
    ...(input.required?.includes(member) === true ? { required: true } : {}),
    ...(position < 0 ? {} : { position }),
    ...(summary === undefined ? {} : { summary }),
    ...(upload === undefined ? {} : { upload }),
  };
}

function shapeOf(schema: MemberSchema): Pick<Flag, 'type' | 'of' | 'choices' | 'minimum' | 'maximum'> {
  const member = unwrapped(schema);
  const literals = member.enum ?? (member.const === undefined ? member.anyOf?.map((option) => option.const) : [member.const]);
  if (literals !== undefined && literals.length > 0 && literals.every((literal) => typeof literal === 'string')) {
    return { type: 'string', choices: literals };
  }
  if (member.type === 'array') {
    const item = shapeOf(member.items ?? {});
    return { type: 'array', of: item.type, ...(item.choices === undefined ? {} : { choices: item.choices }) };
  }
  return { type: flagType(member.type), ...bound('minimum', member), ...bound('maximum', member) };
}

function flagType(type: MemberSchema['type']): FlagType {
  return type === 'string' || type === 'integer' || type === 'number' || type === 'boolean' || type === 'object' ? type : 'json';
}

/** zod writes the range of safe integers into every integer: nobody wants to read that. */
function bound(name: 'minimum' | 'maximum', member: MemberSchema): Partial<Record<'minimum' | 'maximum', number>> {
  const value = member[name];
  return value === undefined || Math.abs(value) >= Number.MAX_SAFE_INTEGER ? {} : { [name]: value };
}

/** What is left of a union when `null` is taken away. */
function unwrapped(schema: MemberSchema): MemberSchema {
  if (typeof schema.type === 'object') {
    const types = schema.type.filter((type) => type !== 'null');
    const { type: _several, ...rest } = schema;
    return types.length === 1 && types[0] !== undefined ? { ...rest, type: types[0] } : rest;
  }
  const options = schema.anyOf?.filter((option) => option.type !== 'null');
  return options?.length === 1 ? (options[0] ?? schema) : schema;
}

/** What fits into a cell of a table. */
function scalarMembers(output: ObjectSchema): string[] {
  const properties = Object.entries(output.properties ?? {});
  return properties.filter(([, member]) => !['object', 'array', 'json'].includes(shapeOf(member).type)).map(([name]) => name);
}

function ofMember<Value>(record: Readonly<Record<string, Value>> | undefined, member: string): Value | undefined {
  return Object.entries(record ?? {}).find(([name]) => snakeCase(name) === member)?.[1];
}

function renamed<Value>(record: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [snakeCase(name), value]));
}

function kebabKeys(record: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [snakeCase(name).replaceAll('_', '-'), value]));
}

function snakeValues(record: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, snakeCase(value)]));
}
