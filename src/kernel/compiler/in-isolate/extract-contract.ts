// Runs in a sandbox beside contract.ts: turns what it exports into plain data. The node believes none of it and checks it again.
import { z } from 'zod';
import { walkSchema, type Problem } from './schema-walk.ts';

/** The contract as data, what is wrong with it, or what contract.ts threw. */
export type Extracted =
  | { contract: unknown }
  | { problems: readonly Problem[] }
  | { threw: { name: string; message: string; stack: string } };

type Fields = Readonly<Record<string, unknown>>;

/** @param load runs contract.ts and gives its default export. */
export function extractContract(load: () => unknown): Extracted {
  try {
    return extract(load());
  } catch (error) {
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    return { threw: { name, message, stack: stack ?? '' } };
  }
}

function extract(definition: unknown): Extracted {
  const problems: Problem[] = [];
  if (!isFields(definition)) {
    return { problems: [{ path: '', message: 'contract.ts has no default export: write export default contract({ … })' }] };
  }
  const { exports, limits, state, ...rest } = definition;
  const listed: unknown[] = [];
  if (!isFields(exports)) problems.push({ path: 'exports', message: 'is not an object of functions by name' });
  else for (const [name, spec] of Object.entries(exports)) listed.push(extractExport(name, spec, problems));
  const contract = {
    ...rest,
    contract: 1,
    limits: limits ?? {},
    exports: listed,
    ...(state === undefined ? {} : { state: extractState(state, problems) }),
  };
  checkPlain({ ...rest, limits }, '', problems);
  return problems.length > 0 ? { problems } : { contract };
}

function extractExport(name: string, spec: unknown, problems: Problem[]): unknown {
  const path = `exports.${name}`;
  if (!isFields(spec)) {
    problems.push({ path, message: 'is not an object with a kind' });
    return { name };
  }
  switch (spec['kind']) {
    case 'call': {
      const { input, output, ...rest } = spec;
      checkPlain(rest, path, problems);
      return { ...rest, name, input: jsonSchema(input, `${path}.input`, problems), output: jsonSchema(output, `${path}.output`, problems) };
    }
    case 'evolvable': {
      const { parameters, ...rest } = spec;
      checkPlain(spec, path, problems);
      const ranges = isFields(parameters) ? Object.entries(parameters) : [];
      return { ...rest, name, parameters: ranges.map(([parameter, range]) => ({ ...(isFields(range) ? range : {}), name: parameter })) };
    }
    default:
      checkPlain(spec, path, problems);
      return { ...spec, name };
  }
}

function extractState(state: unknown, problems: Problem[]): unknown {
  if (!isFields(state) || state['schema'] === undefined) {
    checkPlain(state, 'state', problems);
    return state;
  }
  const { schema, ...rest } = state;
  checkPlain(rest, 'state', problems);
  return { ...rest, schema: jsonSchema(schema, 'state.schema', problems) };
}

function jsonSchema(schema: unknown, path: string, problems: Problem[]): unknown {
  const before = problems.length;
  walkSchema(schema, path, problems);
  if (problems.length > before) return {};
  try {
    const { $schema: _, ...json } = z.toJSONSchema(schema as z.ZodType, { io: 'input' });
    return json;
  } catch (error) {
    problems.push({ path, message: error instanceof Error ? error.message : String(error) });
    return {};
  }
}

/** JSON.stringify drops functions and turns NaN into null; here they are problems. */
function checkPlain(value: unknown, path: string, problems: Problem[]): void {
  const seen = new Set<object>();
  const walk = (item: unknown, at: string): void => {
    if (item === undefined || item === null || typeof item === 'string' || typeof item === 'boolean') return;
    if (typeof item === 'number' && Number.isFinite(item)) return;
    if (typeof item !== 'object' || seen.has(item)) {
      problems.push({ path: at, message: `${typeof item === 'number' ? String(item) : `a ${typeof item}`} is not JSON` });
      return;
    }
    seen.add(item);
    if (Array.isArray(item)) for (const [index, member] of item.entries()) walk(member, `${at}[${index}]`);
    else for (const [name, member] of Object.entries(item)) walk(member, at === '' ? name : `${at}.${name}`);
    seen.delete(item);
  };
  walk(value, path);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
