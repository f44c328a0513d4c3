// The functions a contract lets a search rewrite: read from agent.ts into trees, and written back.
import { SeedError } from '#lib/error.ts';
import type { SourceFiles } from '#kernel/compiler/artifact.ts';
import type { ContractData, ExportSpec } from '#kernel/compiler/contract.ts';
import { readFunction, type FunctionSlot } from '#kernel/compiler/function-slot.ts';
import type { Candidate } from '../../proposer.ts';
import { emitBody } from './emit.ts';
import type { Expression } from './expression.ts';
import type { Genome } from './individual.ts';
import type { ParameterRange } from './interval.ts';
import { parseBody } from './parse.ts';

const FILE = 'agent.ts';
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

export interface EvolvableFunctions {
  source: string;
  slots: readonly FunctionSlot[];
  /** Of each function, by the names it uses itself. */
  parameters: readonly (readonly ParameterRange[])[];
  /** What the functions are now; undefined where they say what trees can not. */
  genome: Genome | undefined;
}

/**
 * The functions that can be read; where there is none, all of them, to be written anew.
 * @throws SeedError `invalid_input` when there is nothing to evolve, or it has no plain parameters
 */
export function readFunctions(contract: ContractData, sources: SourceFiles): EvolvableFunctions {
  const source = sources[FILE];
  const specs = contract.exports.filter((spec) => spec.kind === 'evolvable');
  if (source === undefined || specs.length === 0) {
    const missing = source === undefined ? FILE : 'function that may be evolved';
    throw new SeedError('invalid_input', `the genetic proposer can do nothing for ${contract.name}: it has no ${missing}`, {
      hint: "mark a pure function of numbers in contract.ts with kind: 'evolvable', or choose another proposer",
    });
  }
  const all = specs.map((spec) => {
    const slot = readFunction(source, spec.name);
    const parameters = declaredParameters(spec, slot);
    return { slot, parameters, tree: parseBody(slot.body, parameters) };
  });
  const readable = all.filter((one): one is typeof one & { tree: Expression } => one.tree !== undefined);
  const chosen = readable.length > 0 ? readable : all;
  return {
    source,
    slots: chosen.map((one) => one.slot),
    parameters: chosen.map((one) => one.parameters),
    genome: readable.length > 0 ? readable.map((one) => one.tree) : undefined,
  };
}

/**
 * The candidate whose functions compute what the genome says. Bodies are put in by offset: parsing the file again for
 * each of hundreds of candidates a second would cost more than breeding them.
 */
export function toCandidate(genome: Genome, functions: EvolvableFunctions): Candidate {
  const { slots, parameters } = functions;
  const written = slots.map((slot, index) => ({ slot, body: `\n${emitBody(genome[index]!, parameters[index]!)}\n` }));
  let source = functions.source;
  // From the end, so that the offsets of what is still to come hold.
  for (const { slot, body } of written.toSorted((a, b) => b.slot.bodyStart - a.slot.bodyStart)) {
    source = source.slice(0, slot.bodyStart) + body + source.slice(slot.bodyEnd);
  }
  return { files: { [FILE]: source }, bodies: Object.fromEntries(written.map(({ slot, body }) => [slot.name, body])) };
}

/** The contract's ranges under the names that the function gives its parameters. */
function declaredParameters(spec: Extract<ExportSpec, { kind: 'evolvable' }>, slot: FunctionSlot): readonly ParameterRange[] {
  const named = slot.parameters.slice(0, spec.parameters.length);
  const odd = named.find((name) => !IDENTIFIER.test(name));
  if (odd !== undefined || named.length === 0) {
    throw new SeedError(
      'invalid_input',
      `${spec.name} can not be evolved: ${odd === undefined ? 'it takes nothing' : `its parameter ${odd} is not a plain name`}`,
    );
  }
  return named.map((name, index) => ({ ...spec.parameters[index]!, name }));
}
