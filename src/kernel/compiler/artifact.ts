// What a compilation gives and what the code store keeps: addressed by the hash of its canonical manifest.
import type { ContractData } from './contract.ts';

/** Folder-relative POSIX paths (`agent.ts`, `evals/evaluation.ts`) → text. */
export type SourceFiles = Readonly<Record<string, string>>;

/** A built bundle: one script and the map that leads its positions back to the sources. */
export interface Bundle {
  js: string;
  /** Source map, version 3, JSON. */
  map: string;
}

/** Everything that says what a version is; its canonical JSON is hashed and signed. */
export interface Manifest {
  manifest: 1;
  agent: string;
  /** sha256 of each source file, hex. */
  files: Readonly<Record<string, string>>;
  /** sha256 of js and map, hex. */
  jsHash: string;
  mapHash: string;
  contract: ContractData;
  contractHash: string;
  /** sha256 of the built evaluation, or null where the agent has none. */
  evaluationHash: string | null;
  /** For example `esbuild 0.28.2`. */
  compiler: string;
  /** Hash of the version this one was made from. */
  parent: string | null;
  /** Who or what wrote it: `manual`, `genetic`, … */
  proposer: string;
  promptHash: string | null;
  /** Reports of the gate that are known when it is built (scores, tests), by stage. */
  reports: Readonly<Record<string, unknown>>;
  /** UTC, ISO 8601. */
  createdAt: string;
}

export interface Artifact {
  /** sha256 of the canonical manifest, hex: the identity of a version. */
  hash: string;
  manifest: Manifest;
  js: string;
  map: string;
  /** Built evaluation of the agent, if it has one. */
  evaluationJs: string | null;
  sources: SourceFiles;
}

/** Files no proposer may change. */
export function isProtectedPath(path: string): boolean {
  return path === 'contract.ts' || path.startsWith('evals/') || path === 'README.md';
}
