// What an author is told: the task, what it may touch, how it is measured, what fails, and what was tried in vain. Pure.
import type { ContractData } from '#kernel/compiler/contract.ts';

export interface Attempt {
  /** For people and for the next attempt: what became of it. */
  outcome: string;
}

export interface PromptOptions {
  contract: ContractData;
  goal: string;
  /** What happened to it in use. */
  evidence: string;
  /** Mean selection score of the version to better. */
  baseline: number;
  /** Inputs that it gets wrong, with what was expected, as the evaluation tells. */
  failures: readonly unknown[];
  attempts: readonly Attempt[];
  /** Whether the folder has EVALUATION.md. */
  hasDescription: boolean;
}

const MAX_FAILURES = 12;
const MAX_FAILURE_CHARACTERS = 600;
const MAX_ATTEMPTS = 8;

/** Before the task: what holds for every agent. */
export const INSTRUCTIONS = `You improve one agent of a running system by changing its code. You may change agent.ts and add other .ts files beside it.
contract.ts and everything under evals/ are protected: a change to them is refused and the attempt is lost.
The code runs in a locked-down JavaScript isolate: no imports but relative ones and "seed-agent/agent" (types and agent()), no timers, no
file system, no network, no eval. It is called with the input of the contract and must answer its output, within its limits of time and memory.
It is judged on data that you can not see, so write code that is right in general; special cases for the examples are worth nothing.
Change the files. Do not run anything. When you are done, say in one sentence what you changed.`;

export function promptFor(options: PromptOptions): string {
  const { contract, goal, evidence, baseline, failures, attempts, hasDescription } = options;
  const { objective, limits } = contract;
  const better = objective?.direction === 'minimize' ? 'lower' : 'higher';
  const parts = [
    `# Agent ${contract.name}\n${contract.summary}`,
    goal.trim() === '' ? null : `# What was asked for\n${goal.trim()}`,
    `# How it is measured\n${objective === undefined ? 'By its score' : `${objective.name}${objective.unit === '' ? '' : ` (${objective.unit})`}`}: ${better} is better. The present version scores ${round(baseline)}.${hasDescription ? ' EVALUATION.md says how it is scored.' : ''}`,
    `# Limits of one call\n${limits.cpuMs} ms of processor time, ${limits.memoryMb} MB of memory, ${limits.outputBytes} bytes of output.`,
    evidence === '' ? null : `# What happened to it in use\n${evidence}`,
    failures.length === 0 ? null : `# What it gets wrong, for example\n${failures.slice(0, MAX_FAILURES).map(shown).join('\n')}`,
    attempts.length === 0
      ? null
      : `# What was tried before and failed\n${attempts
          .slice(-MAX_ATTEMPTS)
          .map(({ outcome }) => `- ${outcome}`)
          .join('\n')}`,
    'Better agent.ts.',
  ];
  return parts.filter((part) => part !== null).join('\n\n');
}

function shown(failure: unknown): string {
  return `- ${(JSON.stringify(failure) ?? '').slice(0, MAX_FAILURE_CHARACTERS)}`;
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
