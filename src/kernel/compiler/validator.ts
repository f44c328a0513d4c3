// Enforces a contract's JSON Schemas in the node process: Ajv over a linear pattern engine, with size, depth and work caps first.
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { canonicalJson, sha256 } from '#lib/canonical-json.ts';
import { SeedError, type ErrorCode } from '#lib/error.ts';
import { callExport, type ContractData } from './contract.ts';
import { jsonDepthExceeds } from './json-depth.ts';
import { CHECKED_FORMATS, type JsonSchema } from './json-schema.ts';
import { compilePattern } from './pattern.ts';
import { TooMuchWork, WorkBudget } from './work-budget.ts';

/** Arrays and objects within each other, in inputs and outputs. */
const MAX_VALUE_DEPTH = 64;
const MAX_SHOWN_PROBLEMS = 20;
const CACHED_VALIDATORS = 256;

export interface ValueProblem {
  /** `items[0].size`; empty for the value itself. */
  path: string;
  message: string;
}

export interface Validator {
  /** Fills defaults into `value`. @returns what does not fit; empty when it fits */
  problems(value: unknown): ValueProblem[];
  /** Whether `problems` may change the value. */
  readonly fillsDefaults: boolean;
}

/** One export's checks of what goes in and what comes out. */
export interface ExportChecks {
  /**
   * The input as JSON text, defaults filled in; `value` itself stays as it is.
   * @throws SeedError `payload_too_large`, `invalid_input` with `details: ValueProblem[]`
   */
  inputJson(value: unknown): string;
  /** The output, parsed. @throws SeedError `agent_error` with `details: ValueProblem[]` */
  output(json: string): unknown;
}

/** Compiling takes 1 to 5 ms, so keep the checks with the version. @throws SeedError `not_found` when the contract has no such call */
export function exportChecks(contract: ContractData, exportName: string): ExportChecks {
  const spec = callExport(contract, exportName);
  if (spec === undefined) {
    throw new SeedError('not_found', `${contract.name} has no export ${JSON.stringify(exportName.slice(0, 64))} that can be called`);
  }
  const { limits } = contract;
  const input = validatorFor(spec.input, { useDefaults: true });
  const output = validatorFor(spec.output, { useDefaults: false });
  return {
    inputJson(value) {
      const json = toJson(value);
      checkSize(json, { limitBytes: limits.inputBytes, what: 'the input', code: 'payload_too_large' });
      checkDepth(json, 'invalid_input');
      const checked: unknown = input.fillsDefaults ? JSON.parse(json) : value;
      refuse(input.problems(checked), 'the input', 'invalid_input');
      return input.fillsDefaults ? JSON.stringify(checked) : json;
    },
    output(json) {
      checkSize(json, { limitBytes: limits.outputBytes, what: 'the output', code: 'agent_error' });
      checkDepth(json, 'agent_error');
      const value = parseOutput(json);
      refuse(output.problems(value), 'the output', 'agent_error');
      return value;
    },
  };
}

/**
 * Checks the text of a state: its size, its depth, and the contract's schema where it has one. Keep it with the version.
 * @returns a function that throws SeedError `agent_error` with `details: ValueProblem[]`
 */
export function stateCheck(contract: ContractData): (json: string) => void {
  const schema = contract.state?.schema;
  const validator = schema === undefined ? null : validatorFor(schema, { useDefaults: false });
  return (json) => {
    checkSize(json, { limitBytes: contract.limits.stateBytes, what: 'the state', code: 'agent_error' });
    if (validator === null) return;
    if (jsonDepthExceeds(json, MAX_VALUE_DEPTH))
      throw new SeedError('agent_error', `the state is nested more than ${MAX_VALUE_DEPTH} deep`);
    refuse(validator.problems(JSON.parse(json)), 'the state', 'agent_error');
  };
}

const cache = new Map<string, Validator>();

/** @param schema as `schemaProblems` found nothing in it. Compiled once for each text; the 256 used last are kept. */
export function validatorFor(schema: JsonSchema, options: { useDefaults: boolean }): Validator {
  const key = `${options.useDefaults ? 'in' : 'out'} ${sha256(canonicalJson(schema))}`;
  const known = cache.get(key);
  const validator = known ?? compileValidator(schema, options.useDefaults);
  cache.delete(key);
  cache.set(key, validator);
  const [oldest] = cache.keys();
  if (cache.size > CACHED_VALIDATORS && oldest !== undefined) cache.delete(oldest);
  return validator;
}

function compileValidator(schema: JsonSchema, useDefaults: boolean): Validator {
  const budget = new WorkBudget();
  const ajv = new Ajv2020({
    strict: false,
    // Of a union each branch could report every problem of a long list: the first one must end it.
    allErrors: false,
    useDefaults,
    // Patterns enforce all formats but those that no pattern can.
    formats: CHECKED_FORMATS,
    validateSchema: false,
    meta: false,
    multipleOfPrecision: 9,
    logger: false,
    code: { regExp: Object.assign((pattern: string) => compilePattern(pattern, budget), { code: 'compilePattern' }) },
  });
  ajv.addKeyword({ keyword: 'seedStep', schema: false, validate: () => budget.step() });
  const validate: ValidateFunction = ajv.compile(counted(schema));
  refuseEndless(validate, budget);
  return {
    fillsDefaults: useDefaults && JSON.stringify(schema).includes('"default":'),
    problems(value) {
      budget.reset();
      try {
        return validate(value) ? [] : (validate.errors ?? []).map(problemOf);
      } catch (error) {
        if (error instanceof TooMuchWork) return [{ path: '', message: error.message }];
        if (error instanceof RangeError) return [{ path: '', message: 'it is nested too deeply for its schema' }];
        throw error;
      }
    },
  };
}

/** A schema that is its own alternative would be visited for ever, whatever the value. @throws SeedError `contract_invalid` */
function refuseEndless(validate: ValidateFunction, budget: WorkBudget): void {
  budget.reset();
  try {
    validate(null);
  } catch (error) {
    if (!(error instanceof TooMuchWork || error instanceof RangeError)) throw error;
    throw new SeedError('contract_invalid', 'the schema refers to itself without going into a member', { cause: error });
  }
}

/** A recursive schema with a counted step at the top of each part that can be referred to. */
function counted(schema: JsonSchema): JsonSchema {
  if (!JSON.stringify(schema).includes('"$ref":')) return schema;
  const { $defs, ...root } = schema;
  const withStep = (part: unknown): JsonSchema => ({ allOf: [{ seedStep: true }, part] });
  const definitions = Object.entries(($defs ?? {}) as JsonSchema).map(([name, part]) => [name, withStep(part)]);
  return { ...withStep(root), $defs: Object.fromEntries(definitions) };
}

function toJson(value: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch (error) {
    throw new SeedError('invalid_input', 'the input is not JSON', { cause: error });
  }
  if (json === undefined) throw new SeedError('invalid_input', 'there is no input', { details: [{ path: '', message: 'is missing' }] });
  return json;
}

function parseOutput(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new SeedError('agent_error', 'the output is not JSON', { cause: error });
  }
}

function checkSize(json: string, { limitBytes, what, code }: { limitBytes: number; what: string; code: ErrorCode }): void {
  // A UTF-16 unit is at least one byte and at most three.
  if (json.length * 3 <= limitBytes) return;
  const sizeBytes = Buffer.byteLength(json);
  if (sizeBytes > limitBytes) throw new SeedError(code, `${what} has ${sizeBytes} bytes of JSON, the contract allows ${limitBytes}`);
}

function checkDepth(json: string, code: ErrorCode): void {
  if (!jsonDepthExceeds(json, MAX_VALUE_DEPTH)) return;
  const what = code === 'agent_error' ? 'the output' : 'the input';
  throw new SeedError(code, `${what} is nested more than ${MAX_VALUE_DEPTH} deep`, {
    details: [{ path: '', message: `nested more than ${MAX_VALUE_DEPTH} deep` }],
  });
}

function refuse(problems: readonly ValueProblem[], what: string, code: ErrorCode): void {
  // Of a union the branch that went furthest says most.
  const [first] = problems.toSorted((a, b) => b.path.length - a.path.length);
  if (first === undefined) return;
  const subject = first.path === '' ? what : `${what}'s ${first.path}`;
  throw new SeedError(code, `${subject} ${first.message}`, { details: problems.slice(0, MAX_SHOWN_PROBLEMS) });
}

function problemOf({ instancePath, keyword, params, message }: ErrorObject): ValueProblem {
  const path = instancePath
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((whole, segment) => step(whole, segment), '');
  switch (keyword) {
    case 'required':
      return { path: step(path, String(params['missingProperty'])), message: 'is missing' };
    case 'additionalProperties':
      return { path: step(path, String(params['additionalProperty']).slice(0, 80)), message: 'is not known' };
    case 'enum':
      return { path, message: `must be one of ${JSON.stringify(params['allowedValues']).slice(0, 200)}` };
    case 'const':
      return { path, message: `must be ${JSON.stringify(params['allowedValue']).slice(0, 200)}` };
    default:
      return { path, message: (message ?? `fails ${keyword}`).slice(0, 300) };
  }
}

function step(path: string, segment: string): string {
  if (/^\d+$/.test(segment)) return `${path}[${segment}]`;
  return path === '' ? segment : `${path}.${segment}`;
}
