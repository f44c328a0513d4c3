// A prepared candidate: one that cheats and must be refused, or one that is truly better and must be accepted.
import { readFileSync } from 'node:fs';
import type { ProposalRequest } from '#improvement/proposer.ts';

export interface Entrant {
  /** What it does, in a few words; names are unique. */
  name: string;
  agent: 'packer' | 'extract';
  honest: boolean;
  /** The files that differ from the agent as it is in this repository. */
  files: Readonly<Record<string, string>>;
  /** What its proposer says its selection score is; left out, it says what was measured. */
  claims?: number;
  /** What its proposer does to what it was handed, before it hands over its candidate. */
  tampers?: (request: ProposalRequest) => void;
}

/** The agent's own file in this repository. */
export function sourceOf(agent: Entrant['agent'], path = 'agent.ts'): string {
  return readFileSync(new URL(`../../agents/${agent}/${path}`, import.meta.url), 'utf8');
}

/** @throws Error when there is nothing to replace: an entrant that is the version it should differ from shows nothing */
export function replaced(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`there is no ${JSON.stringify(from)} to replace`);
  return text.replace(from, () => to);
}
