// What an author is told: the task, what it may touch, how it is measured, what fails, and what was tried in vain. Pure.
import type { ContractData } from '#kernel/compiler/contract.ts';

export interface PromptOptions {
  contract: ContractData;
  goal: string;
  /** What happened to it in use. */
  evidence: string;
  /** Mean selection score of the live version. */
  live: number;
  /** … and of the files that the attempt begins from. */
  score: number;
  /** They are the live version's. */
  isLive: boolean;
  /** Inputs that they get wrong, with what was expected, as the evaluation tells. */
  failures: readonly unknown[];
  /** What became of attempts before this one. */
  tried: readonly string[];
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
  const { contract, goal, evidence, live, score, isLive, failures, tried, hasDescription } = options;
  const { objective, limits } = contract;
  const better = objective?.direction === 'minimize' ? 'lower' : 'higher';
  const parts = [
    `# Agent ${contract.name}\n${contract.summary}`,
    goal.trim() === '' ? null : `# What was asked for\n${goal.trim()}`,
    `# How it is measured\n${objective === undefined ? 'By its score' : `${objective.name}${objective.unit === '' ? '' : ` (${objective.unit})`}`}: ${better} is better. ${isLive ? `The present version scores ${round(live)}.` : `The files that you begin with score ${round(score)}; they were made from the live version, which scores ${round(live)}.`}${hasDescription ? ' EVALUATION.md says how it is scored.' : ''}`,
    `# Limits of one call\n${limits.cpuMs} ms of processor time, ${limits.memoryMb} MB of memory, ${limits.outputBytes} bytes of output.`,
    evidence === '' ? null : `# What happened to it in use\n${evidence}`,
    failures.length === 0 ? null : `# What it gets wrong, for example\n${failures.slice(0, MAX_FAILURES).map(shown).join('\n')}`,
    tried.length === 0
      ? null
      : `# What was tried before and failed\n${tried
          .slice(-MAX_ATTEMPTS)
          .map((outcome) => `- ${outcome}`)
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
