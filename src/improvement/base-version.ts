// The version an improvement starts from.
import type { SourceFiles } from '#kernel/compiler/artifact.ts';
import type { ContractData } from '#kernel/compiler/contract.ts';

export interface BaseVersion {
  hash: string;
  contract: ContractData;
  sources: SourceFiles;
}
