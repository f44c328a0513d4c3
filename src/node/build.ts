// Compile, policy, contract and contract tests of this node.
import { Stager } from '#domains/runtime/stager.ts';
import { contractFrom } from '#kernel/compiler/contract-data.ts';
import { isProtectedPath, type Bundle, type SourceFiles } from '#kernel/compiler/artifact.ts';
import type { ContractData } from '#kernel/compiler/contract.ts';
import { checkPolicy } from '#kernel/runtime/capabilities/policy-check.ts';
import { contractTests } from '#kernel/runtime/contract-tests.ts';
import { canonicalJson, sha256 } from '#lib/canonical-json.ts';
import type { Parts } from './parts.ts';

/** A swap seldom changes the contract or the evaluation: their builds are kept. */
const MAX_CACHED = 200;

export async function createStager(parts: Parts): Promise<Stager> {
  const compiler = parts.get('compiler');
  const contracts = new Map<string, Promise<ContractData>>();
  const evaluations = new Map<string, Promise<Bundle>>();

  async function readContract(sources: SourceFiles): Promise<ContractData> {
    // A contract can only be made from protected files: as long as they are the same, so is the contract.
    const key = protectedHash(sources);
    const known = contracts.get(key);
    if (known !== undefined) return known;
    const reading = compiler
      .compileContract(sources)
      .then((bundle) => contractFrom(bundle, (request) => parts.get('workHosts').validator.use((host) => host.evaluateScript(request))))
      .then(({ contract }) => contract);
    remember(contracts, key, reading);
    return reading;
  }

  function compileEvaluation(sources: SourceFiles): Promise<Bundle> {
    const key = protectedHash(sources);
    const known = evaluations.get(key);
    if (known !== undefined) return known;
    const building = compiler.compileEvaluation(sources);
    remember(evaluations, key, building);
    return building;
  }

  return new Stager({
    codeStore: parts.get('codeStore'),
    compileAgent: (sources) => compiler.compileChecked(sources),
    compileEvaluation,
    readContract: async (sources) => {
      const contract = await readContract(sources);
      checkPolicy(contract, parts.ground.policy);
      return contract;
    },
    contractTests: (contract, bundle) => runContractTests(parts, contract, bundle),
    compiler: await compiler.version(),
    nowMs: Date.now,
  });
}

function protectedHash(sources: SourceFiles): string {
  return sha256(canonicalJson(Object.fromEntries(Object.entries(sources).filter(([path]) => isProtectedPath(path)))));
}

/** What failed is not kept: the next one tries again. */
function remember<T>(cache: Map<string, Promise<T>>, key: string, value: Promise<T>): void {
  cache.set(key, value);
  value.catch(() => cache.delete(key));
  const oldest = cache.keys().next().value;
  if (cache.size > MAX_CACHED && oldest !== undefined) cache.delete(oldest);
}

export function runContractTests(parts: Parts, contract: ContractData, bundle: Bundle): Promise<void> {
  const hash = sha256(canonicalJson([bundle.js, contract.limits, contract.isolation, contract.capabilities]));
  return parts.get('workHosts').validator.use((host) => contractTests({ host, contract, bundle, hash, nowMs: Date.now() }));
}
