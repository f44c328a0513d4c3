// The JSON Schemas of a contract, as text from a sandbox that nobody has to believe: only known keywords, with values that
// mean what they say, in a size that can be compiled.
import { compilePattern, PatternRefused } from './pattern.ts';
import { WorkBudget } from './work-budget.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface SchemaProblem {
  /** `exports.handle.input.items[].name`; `{}` is any other member, `<0>` a branch of a union, `#Name` a shared schema. */
  path: string;
  message: string;
}

const MAX_DEPTH = 64;
const MAX_NODES = 2_000;
const MAX_ENUM = 1_000;
const TYPES = new Set(['string', 'number', 'integer', 'boolean', 'object', 'array', 'null']);

/** Formats beside which zod writes the pattern that enforces them, and the one that Ajv asks us about. */
export const CHECKED_FORMATS: Readonly<Record<string, (text: string) => boolean>> = { uri: (text) => URL.canParse(text) };

type Check = (value: unknown) => string | null;

const isText: Check = (value) => (typeof value === 'string' ? null : 'is not text');
const isBoolean: Check = (value) => (typeof value === 'boolean' ? null : 'is not true or false');
const isNumber: Check = (value) => (typeof value === 'number' && Number.isFinite(value) ? null : 'is not a number');
const isCount: Check = (value) => (Number.isSafeInteger(value) && (value as number) >= 0 ? null : 'is not a whole number from 0');
const isScalar: Check = (value) => (value === null || ['string', 'number', 'boolean'].includes(typeof value) ? null : 'is not a scalar');
const anything: Check = () => null;

/** Keywords whose value is not a schema. */
const VALUES: Readonly<Record<string, Check>> = {
  title: isText,
  description: isText,
  examples: anything,
  deprecated: isBoolean,
  readOnly: isBoolean,
  secret: isBoolean,
  id: isText,
  contentEncoding: isText,
  default: anything,
  format: isText,
  const: isScalar,
  minimum: isNumber,
  maximum: isNumber,
  exclusiveMinimum: isNumber,
  exclusiveMaximum: isNumber,
  multipleOf: (value) => isNumber(value) ?? ((value as number) > 0 ? null : 'is not above 0'),
  minLength: isCount,
  maxLength: isCount,
  minItems: isCount,
  maxItems: isCount,
  type: (value) => ([value].flat().every((name) => TYPES.has(name as string)) ? null : 'is not a JSON type'),
  enum: (value) =>
    Array.isArray(value) && value.length > 0 && value.length <= MAX_ENUM && value.every((item) => isScalar(item) === null)
      ? null
      : `is not a list of 1 to ${MAX_ENUM} scalars`,
  required: (value) => (Array.isArray(value) && value.every((name) => typeof name === 'string') ? null : 'is not a list of names'),
  pattern: (value) => (typeof value === 'string' ? patternProblem(value) : 'a pattern is text'),
};
/** Keywords whose value is a schema, a list of schemas, or schemas by name, with how the step shows in a path. */
const SCHEMAS: Readonly<Record<string, string>> = { items: '[]', additionalProperties: '{}', propertyNames: '{key}', not: '<not>' };
const LISTS: Readonly<Record<string, (index: number) => string>> = {
  prefixItems: (index) => `[${index}]`,
  allOf: () => '',
  anyOf: (index) => `<${index}>`,
  oneOf: (index) => `<${index}>`,
};
/** Ajv fills in no default below these: which branch holds is not known yet. */
const BRANCHES = new Set(['not', 'anyOf', 'oneOf', 'propertyNames']);

/** @param side whether defaults are filled in: only in inputs. */
export function schemaProblems(root: unknown, options: { path: string; side: 'input' | 'output' }): SchemaProblem[] {
  const problems: SchemaProblem[] = [];
  const definitions = isSchema(root) && isSchema(root['$defs']) ? root['$defs'] : {};
  const reached = new Set<string>();
  let nodes = 0;
  let secrets = 0;
  let references = 0;

  interface At {
    path: string;
    depth: number;
    /** Below a branch. */
    branched: boolean;
    /** Directly in `properties`. */
    member: boolean;
  }
  const report = (at: At, message: string): void => void problems.push({ path: at.path, message });

  const visit = (node: unknown, at: At): void => {
    nodes += 1;
    if (typeof node === 'boolean' || nodes > MAX_NODES) return;
    if (!isSchema(node)) return report(at, 'is not a schema');
    if (at.depth > MAX_DEPTH) return report(at, `is nested more than ${MAX_DEPTH} deep`);
    const below = (step: string, change: Partial<At> = {}): At => ({
      ...at,
      member: false,
      ...change,
      path: at.path + step,
      depth: at.depth + 1,
    });
    for (const [keyword, value] of Object.entries(node)) {
      const check = own(VALUES, keyword);
      const step = own(SCHEMAS, keyword);
      const list = own(LISTS, keyword);
      if (check !== undefined) {
        const message = check(value);
        if (message !== null) report(at, keyword === 'pattern' ? message : `${keyword} ${message}`);
      } else if (step !== undefined) {
        visit(value, below(step, { branched: at.branched || BRANCHES.has(keyword) }));
      } else if (list !== undefined) {
        if (!Array.isArray(value) || value.length === 0) report(at, `${keyword} is not a list of schemas`);
        else
          for (const [index, item] of value.entries()) visit(item, below(list(index), { branched: at.branched || BRANCHES.has(keyword) }));
      } else if (keyword === 'properties' || keyword === 'patternProperties') {
        if (!isSchema(value)) report(at, `${keyword} is not an object of schemas`);
        else visitMembers(keyword, value, below);
      } else if (keyword === '$ref') {
        references += 1;
        visitReference(value, at);
      } else if (keyword !== '$defs' || node !== root) {
        report(at, `the keyword ${keyword} is not known`);
      }
    }
    if (node['secret'] === true) secrets += 1;
    if (node['default'] !== undefined) checkDefault(at);
    if (
      typeof node['format'] === 'string' &&
      own(CHECKED_FORMATS, node['format']) === undefined &&
      node['pattern'] === undefined &&
      node['allOf'] === undefined
    ) {
      report(at, `the format ${node['format']} is not enforced: use regex()`);
    }
  };

  const visitMembers = (keyword: string, members: JsonSchema, below: (step: string, change?: Partial<At>) => At): void => {
    for (const [name, child] of Object.entries(members)) {
      const at = below(keyword === 'properties' ? `.${name}` : `{${name}}`, { member: keyword === 'properties' });
      const message =
        keyword === 'properties' ? (name === '__proto__' ? 'a member can not be called __proto__' : null) : patternProblem(name);
      if (message !== null) report(at, message);
      visit(child, at);
    }
  };

  const visitReference = (reference: unknown, at: At): void => {
    const name = /^#(?:\/\$defs\/(\w{1,64}))?$/.exec(String(reference));
    const target = name?.[1] === undefined ? root : own(definitions, name[1]);
    if (name === null || target === undefined) return report(at, `the reference ${JSON.stringify(reference)} leads nowhere`);
    // What is shared is looked at once for each way a default would be treated in it.
    const key = `${String(reference)} ${at.branched}`;
    if (reached.has(key)) return;
    reached.add(key);
    visit(target, {
      path: name[1] === undefined ? options.path : `${options.path}#${name[1]}`,
      depth: at.depth + 1,
      branched: at.branched,
      member: at.member,
    });
  };

  const checkDefault = (at: At): void => {
    if (options.side === 'output') report(at, 'a default is never filled into an output: use .optional()');
    else if (at.branched) report(at, 'a default inside a union, a nullable or a recursion through one is never filled in: use .optional()');
    else if (!at.member) report(at, 'a default is only filled in for a member of an object');
  };

  visit(root, { path: options.path, depth: 0, branched: false, member: false });
  if (nodes > MAX_NODES) problems.push({ path: options.path, message: `has more than ${MAX_NODES} parts` });
  if (secrets > 0 && references > 0) {
    problems.push({
      path: options.path,
      message: 'marks secrets and refers to shared or recursive schemas: the secrets could not all be taken out of records',
    });
  }
  return problems;
}

function patternProblem(source: string): string | null {
  try {
    compilePattern(source, new WorkBudget());
    return null;
  } catch (error) {
    if (error instanceof PatternRefused) return error.message;
    throw error;
  }
}

/** A keyword may be called like something every object has. */
function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
