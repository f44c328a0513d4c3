// The first thing a version must do: load, have what its contract names, and fulfil the contract's examples, twice the same.
import { isDeepStrictEqual } from 'node:util';
import { SeedError, toSeedError } from '#lib/error.ts';
import type { Bundle } from '../compiler/artifact.ts';
import { CODE_CHANGE, stateVersionOf, type ContractData } from '../compiler/contract.ts';
import { mapStack } from '../compiler/stack.ts';
import { exportChecks, stateCheck } from '../compiler/validator.ts';
import type { CallOutcome, CallRequest, LoadedExports, LoadRequest } from '../sandbox/call.ts';
import { collectingStream } from './call-stream.ts';

/** What is needed of the validator host. */
export interface ValidatorHost {
  load(request: LoadRequest): Promise<LoadedExports>;
  unload(hash: string): Promise<unknown>;
  call(request: CallRequest): Promise<CallOutcome>;
}

export interface ContractTestsOptions {
  host: ValidatorHost;
  contract: ContractData;
  bundle: Bundle;
  /** Names the code in the host. */
  hash: string;
  /** ms since the epoch: the clock of the calls. */
  nowMs: number;
}

const SEED = 42;
const EXAMPLE_KEY = 'example';

/** @throws SeedError `validation_failed` with the example and what was wrong */
export async function contractTests(options: ContractTestsOptions): Promise<void> {
  const { host, contract, bundle, hash } = options;
  const { limits, isolation, capabilities } = contract;
  const loading = load(host, { hash, agent: contract.name, js: bundle.js, limits, isolation, capabilities }, bundle);
  // Sent along, so that most versions are checked in one exchange. Why it could not be loaded is what counts if it could not.
  const first = contract.examples.length === 0 ? null : runTwice(0, options);
  first?.catch(() => undefined);
  const loaded = await loading;
  try {
    for (const { name, kind } of contract.exports) {
      const there = kind === 'evolvable' ? loaded.functions : loaded.calls;
      if (there.includes(name)) continue;
      const where = kind === 'evolvable' ? `export a function ${name} from agent.ts` : `give agent({ … }) a function ${name}`;
      throw new SeedError('validation_failed', `the contract names ${name}, and agent.ts does not have it`, { hint: where });
    }
    if (stateVersionOf(contract) > 1 && !loaded.functions.includes(CODE_CHANGE)) {
      throw new SeedError(
        'validation_failed',
        `the contract's state has version ${stateVersionOf(contract)}, and agent.ts does not export ${CODE_CHANGE}`,
        {
          hint: `export const ${CODE_CHANGE}: CodeChange = (state, change) => …, or leave the version out where no state is older`,
        },
      );
    }
    for (const [index, example] of contract.examples.entries()) {
      // The first that fails is the one to show
      const [once, again] = await (index === 0 && first !== null ? first : runTwice(index, options));
      const expected = example.output;
      if (expected !== undefined && !isDeepStrictEqual(once, expected)) {
        throw new SeedError('validation_failed', `example ${index + 1} of the contract: expected ${show(expected)}, got ${show(once)}`, {
          details: { example: index, input: example.input, expected, got: once },
        });
      }
      if (!isDeepStrictEqual(once, again)) {
        throw new SeedError(
          'validation_failed',
          `example ${index + 1} of the contract: the same call gave ${show(once)}, then ${show(again)}`,
          {
            hint: 'what a module keeps in its variables may vanish at any time: keep it in ctx.state',
          },
        );
      }
    }
  } finally {
    await host.unload(hash);
  }
}

/** What goes wrong while the module's top level runs is the candidate's fault. */
async function load(host: ValidatorHost, request: LoadRequest, bundle: Bundle): Promise<LoadedExports> {
  try {
    return await host.load(request);
  } catch (thrown) {
    const error = toSeedError(thrown);
    if (error.status === 503) throw error;
    const stack = (error.details as { stack?: string } | undefined)?.stack;
    throw new SeedError('validation_failed', `agent.ts can not be loaded: ${error.message}`, {
      cause: error,
      ...(stack === undefined ? {} : { details: { stack: mapStack(stack, bundle.map) } }),
    });
  }
}

/** Sent together: the host runs them one after the other. @throws of what went wrong the cause, not the call that was only near it */
async function runTwice(index: number, options: ContractTestsOptions): Promise<[unknown, unknown]> {
  const [first, again] = await Promise.allSettled([runExample(index, options), runExample(index, options)]);
  if (first.status === 'fulfilled' && again.status === 'fulfilled') return [first.value, again.value];
  const errors = [first, again].flatMap((run) => (run.status === 'rejected' ? [run.reason as unknown] : []));
  throw errors.find((error) => (toSeedError(error).details as { failure?: string } | undefined)?.failure !== 'host_lost') ?? errors[0];
}

async function runExample(index: number, { host, contract, bundle, hash, nowMs }: ContractTestsOptions): Promise<unknown> {
  const example = contract.examples[index];
  if (example === undefined) throw new SeedError('internal', `example ${index} is not there`);
  const checks = exportChecks(contract, example.export);
  const id = `example-${index + 1}`;
  const stream = collectingStream(id, { checks, contract, exportName: example.export });
  let stateJson: string | null = null;
  const outcome = await host.call({
    id,
    stream,
    hash,
    exportName: example.export,
    inputJson: checks.inputJson(example.input),
    key: contract.capabilities.includes('state') ? EXAMPLE_KEY : null,
    timeMs: nowMs,
    seed: SEED,
    path: 'async',
    principalJson: '{"kind":"node","id":"contract-tests"}',
    // A new instance: nothing is there, and what is set is forgotten.
    onRequest: (name, args) => {
      if (name === 'state.set') stateJson = JSON.stringify(args);
      if (name === 'fetch' || name === 'call') {
        const message = `ctx.${name} reaches nobody while the contract's examples run`;
        return Promise.reject(new SeedError('unavailable', message, { hint: 'give examples that answer without it' }));
      }
      return Promise.resolve('null');
    },
  });
  if (outcome.ok) {
    if (stateJson !== null) stateCheck(contract)(stateJson);
    return outcome.streamed ? (JSON.parse(stream.outputJson ?? '[]') as unknown) : stream.checkPlain(outcome.outputJson);
  }
  if (stream.error !== null) throw stream.error;
  const stack = outcome.error.stack === undefined ? undefined : mapStack(outcome.error.stack, bundle.map);
  throw new SeedError('validation_failed', `example ${index + 1} of the contract failed (${outcome.failure}): ${outcome.error.message}`, {
    details: { example: index, input: example.input, failure: outcome.failure, ...(stack === undefined ? {} : { stack }) },
  });
}

function show(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 200) ?? 'undefined';
}
