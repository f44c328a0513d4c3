// From the built contract script to a contract that is believed: the script runs in a sandbox, its text is checked here again.
import { canonicalJson, sha256 } from '#lib/canonical-json.ts';
import { isSeedError, SeedError } from '#lib/error.ts';
import type { Bundle } from './artifact.ts';
import { callExport, contractSchema, type ContractData } from './contract.ts';
import { grantProblems } from './grants.ts';
import { CONTRACT_ENTRY } from './contract-script.ts';
import { jsonDepthExceeds } from './json-depth.ts';
import { schemaProblems, type SchemaProblem } from './json-schema.ts';
import { mapStack } from './stack.ts';
import { exportChecks, stateCheck, type ExportChecks } from './validator.ts';

const DEADLINE_MS = 5_000;
/** zod itself takes 10 MB. */
const MEMORY_MB = 64;
const MAX_TEXT = 2_097_152;
/** Each level of a schema is two or three of JSON. */
const MAX_JSON_DEPTH = 256;

/** Runs a built script in a fresh isolate of a sandbox host, calls the export `entry` and resolves to what it returns, as JSON text. */
export type EvaluateScript = (request: { js: string; entry: string; deadlineMs: number; memoryMb: number }) => Promise<string>;

export interface CheckedContract {
  contract: ContractData;
  /** sha256 of the canonical JSON. */
  contractHash: string;
}

/**
 * @param bundle what `compileContract` built
 * @throws SeedError `contract_invalid` with `details: SchemaProblem[]`; what the sandbox itself throws when it can not run anything
 */
export async function contractFrom(bundle: Bundle, evaluate: EvaluateScript): Promise<CheckedContract> {
  let text: string;
  try {
    text = await evaluate({ js: bundle.js, entry: CONTRACT_ENTRY, deadlineMs: DEADLINE_MS, memoryMb: MEMORY_MB });
  } catch (error) {
    if (!isSeedError(error) || error.status === 503) throw error;
    throw new SeedError('contract_invalid', `contract.ts could not be evaluated: ${error.message}`, { cause: error });
  }
  return checkContract(readContract(text, bundle.map));
}

/** Checks data that says it is a contract: one that was evaluated, or one that was stored. @throws SeedError `contract_invalid` */
export function checkContract(data: unknown): CheckedContract {
  const parsed = contractSchema.safeParse(data);
  if (!parsed.success) throw invalid(parsed.error.issues.map(({ path, message }) => ({ path: named(path, data), message })));
  const contract = parsed.data;
  const problems = [...exportProblems(contract), ...grantProblems(contract)];
  if (problems.length > 0) throw invalid(problems);
  const wrong = exampleProblems(contract);
  if (wrong.length > 0) throw invalid(wrong);
  return { contract, contractHash: sha256(canonicalJson(contract)) };
}

function readContract(text: string, map: string): unknown {
  if (text.length > MAX_TEXT)
    throw invalid([{ path: '', message: `the contract has ${text.length} characters of JSON, at most ${MAX_TEXT} are taken` }]);
  if (jsonDepthExceeds(text, MAX_JSON_DEPTH))
    throw invalid([{ path: '', message: `the contract is nested more than ${MAX_JSON_DEPTH} deep` }]);
  let extracted: unknown;
  try {
    extracted = JSON.parse(text);
  } catch (error) {
    throw new SeedError('contract_invalid', 'contract.ts left no contract behind', { cause: error });
  }
  const { contract, problems, threw } = (extracted ?? {}) as { contract?: unknown; problems?: unknown; threw?: Record<string, unknown> };
  if (threw !== undefined) {
    const { message, stack } = threw;
    const mapped = typeof stack === 'string' ? mapStack(stack, map) : '';
    const [where = 'contract.ts'] = /contract\.ts:\d+:\d+/.exec(mapped) ?? [];
    throw new SeedError('contract_invalid', `${where}: ${typeof message === 'string' ? message : 'it threw'}`, {
      details: { stack: mapped },
    });
  }
  if (Array.isArray(problems)) {
    throw invalid(problems.slice(0, 100).map((problem: SchemaProblem) => ({ path: `${problem.path}`, message: `${problem.message}` })));
  }
  return contract;
}

function* exportProblems(contract: ContractData): Generator<SchemaProblem> {
  const names = new Set<string>();
  for (const spec of contract.exports) {
    const path = `exports.${spec.name}`;
    if (names.has(spec.name)) yield { path, message: 'is listed twice' };
    names.add(spec.name);
    if (spec.kind === 'call') {
      yield* schemaProblems(spec.input, { path: `${path}.input`, side: 'input' });
      yield* schemaProblems(spec.output, { path: `${path}.output`, side: 'output' });
    } else if (spec.kind === 'evolvable') {
      for (const { name, min, max } of spec.parameters) {
        if (min >= max) yield { path: `${path}.parameters.${name}`, message: `min ${min} is not below max ${max}` };
      }
    }
  }
  if (contract.state !== undefined) {
    if (!contract.capabilities.includes('state'))
      yield { path: 'state', message: 'describes a state that is not granted: add "state" to the capabilities' };
    if (contract.state.schema !== undefined) yield* schemaProblems(contract.state.schema, { path: 'state.schema', side: 'output' });
  }
  const parking = contract.capabilities.find((name) => name === 'sleep' || name === 'ask');
  if (parking !== undefined && contract.isolation !== 'call') {
    const message = `must be 'call' for the capability ${parking}: a call that waits goes on by replay, which only a context of its own makes exact`;
    yield { path: 'isolation', message };
  }
  if (!contract.exports.some((spec) => spec.kind === 'call'))
    yield { path: 'exports', message: 'there is nothing to call: list handle with kind "call"' };
}

/** Also compiles every validator once: what Ajv can not compile is found here, not at the first call. */
function exampleProblems(contract: ContractData): SchemaProblem[] {
  const problems: SchemaProblem[] = [];
  const attempt = (path: string, run: () => unknown): void => {
    try {
      run();
    } catch (error) {
      if (!isSeedError(error)) throw error;
      problems.push({ path, message: error.message });
    }
  };
  const checks = new Map<string, ExportChecks>();
  for (const { kind, name } of contract.exports) {
    if (kind === 'call') attempt(`exports.${name}`, () => checks.set(name, exportChecks(contract, name)));
  }
  attempt('state.schema', () => stateCheck(contract));
  for (const [index, example] of contract.examples.entries()) {
    const path = `examples[${index}]`;
    const check = checks.get(example.export);
    if (check === undefined) problems.push({ path, message: `there is no export ${example.export} that can be called` });
    else {
      attempt(`${path}.input`, () => check.inputJson(example.input));
      if (example.output !== undefined) attempt(`${path}.output`, () => checkExampleOutput(contract, check, example));
    }
  }
  return problems;
}

/** Of a stream the list of its chunks; where the contract does not say whether it is one, what the list has must fit, or the list. */
function checkExampleOutput(contract: ContractData, check: ExportChecks, example: ContractData['examples'][number]): void {
  const { output } = example;
  const streams = callExport(contract, example.export)?.stream;
  const asChunks = (chunks: readonly unknown[]): void => {
    for (const chunk of chunks) check.output(JSON.stringify(chunk));
  };
  if (streams === true) {
    if (!Array.isArray(output)) throw new SeedError('contract_invalid', 'must be the list of the chunks: the export says stream: true');
    return asChunks(output);
  }
  try {
    check.output(JSON.stringify(output));
  } catch (error) {
    if (streams === false || !Array.isArray(output)) throw error;
    asChunks(output);
  }
}

/** `exports[0].input` → `exports.handle.input`: the author wrote them by name. */
function named(path: readonly PropertyKey[], data: unknown): string {
  const { exports } = (data ?? {}) as { exports?: readonly { name?: unknown }[] };
  let text = '';
  for (const [index, segment] of path.entries()) {
    const name = index === 1 && path[0] === 'exports' && typeof segment === 'number' ? exports?.[segment]?.name : undefined;
    if (typeof name === 'string') text += `.${name}`;
    else if (typeof segment === 'number') text += `[${segment}]`;
    else text += text === '' ? String(segment) : `.${String(segment)}`;
  }
  return text;
}

function invalid(problems: readonly SchemaProblem[]): SeedError {
  const [first] = problems;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  const where = first === undefined || first.path === '' ? '' : `${first.path}: `;
  return new SeedError('contract_invalid', `contract.ts: ${where}${first?.message ?? 'it is not a contract'}${more}`, {
    details: problems,
  });
}
