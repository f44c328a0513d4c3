// What hostile code costs: every attack of the corpus on a real node, with a neighbour that is called all the while, and the same
// escapes in node:vm as the proof that they would be seen.
import { Arena } from '../test/attacks/arena.ts';
import { Control } from '../test/attacks/control.ts';
import { corpus, sample } from '../test/attacks/corpus.ts';
import { Judge, type Verdict } from '../test/attacks/judge.ts';
import type { Payload } from '../test/attacks/payload.ts';
import type { Benchmark, BenchmarkResult, Row } from './benchmark.ts';
import { quantile, round } from './report.ts';

const LATE_MS = 600;
/** Attacks, after which the neighbour is looked at without one. */
const IDLE_EVERY = 12;
const MB = 1024 * 1024;

export interface Containment {
  verdicts: readonly Verdict[];
  /** Escapes that succeeded in node:vm, of all. */
  control: { succeeded: number; of: number };
  /** The neighbour's longest waits while nobody attacked, ms: what the machine itself does to it. */
  idleStallsMs: readonly number[];
}

export const containment: Benchmark = async ({ quick, say }) => reportOf(await contain(quick ? sample() : corpus(), say), say);

/** Judges the payloads, category by category; a row is said when its category is done. */
export async function contain(payloads: readonly Payload[], say: (text: string) => void): Promise<Containment> {
  await using arena = await Arena.start();
  await using judge = new Judge(arena);
  await using control = await Control.start();
  const verdicts: Verdict[] = [];
  const idleStallsMs: number[] = [];
  let succeeded = 0;
  for (const [category, group] of Map.groupBy(payloads, (payload) => payload.category)) {
    const own: Verdict[] = [];
    for (const payload of group) {
      if (payload.aim === 'escape' && (await control.escapes(payload))) succeeded += 1;
      const verdict = await judge.judge(payload);
      own.push(verdict);
      if ((verdicts.length + own.length) % IDLE_EVERY === 0) idleStallsMs.push((await judge.idle()).longestMs);
      for (const fault of faultsOf(verdict)) say(`  ${payload.name}: ${fault}`);
    }
    verdicts.push(...own);
    say(lineOf(rowOf(category, own)));
  }
  return { verdicts, control: { succeeded, of: payloads.filter(({ aim }) => aim === 'escape').length }, idleStallsMs };
}

/** Everything that should not have been; empty for an attack that was contained. */
function faultsOf(verdict: Verdict): string[] {
  const { escaped, nodeAlive, neighbour, afterDeadlineMs, isDud, how } = verdict;
  return [
    ...(escaped === null ? [] : [`escaped: ${escaped}`]),
    ...(nodeAlive ? [] : ['the node is gone']),
    ...(neighbour.failed === 0
      ? []
      : [`${neighbour.failed} of ${neighbour.calls} calls of the neighbour failed: ${neighbour.lastFailure ?? ''}`]),
    ...(afterDeadlineMs <= LATE_MS ? [] : [`ended ${Math.round(afterDeadlineMs)} ms after its deadline`]),
    ...(isDud ? ['was answered, and should not have been'] : []),
    ...(how === 'never' ? ['was never answered'] : []),
  ];
}

function reportOf({ verdicts, control, idleStallsMs }: Containment, say: (text: string) => void): BenchmarkResult {
  const escapes = verdicts.filter(({ payload }) => payload.aim === 'escape');
  const causes = new Set(escapes.map(({ payload }) => payload.cause));
  const rows = [...Map.groupBy(verdicts, ({ payload }) => payload.category)].map(([category, own]) => rowOf(category, own));
  const stalls = verdicts.map(({ neighbour }) => neighbour.longestMs);
  say(
    `${escapes.length} escapes after ${causes.size} causes, ${verdicts.length - escapes.length} attacks on time, memory and order; ` +
      `in node:vm ${control.succeeded} of ${control.of} escapes succeed; ` +
      `the policy would have refused ${verdicts.filter(({ policy }) => policy === 'refused').length}, and refused none here`,
  );
  return {
    rows,
    figures: {
      payloads: verdicts.length,
      escapes: verdicts.filter(({ escaped }) => escaped !== null).length,
      control: control.of === 0 ? null : round(control.succeeded / control.of),
      late: verdicts.filter(({ afterDeadlineMs }) => afterDeadlineMs > LATE_MS).length,
      memory_mb: Math.round(Math.max(...verdicts.map(({ growthBytes }) => growthBytes)) / MB),
      node_crashes: verdicts.filter(({ nodeAlive }) => !nodeAlive).length,
      neighbour_failed: verdicts.reduce((sum, { neighbour }) => sum + neighbour.failed, 0),
      stall_p99_ms: round(quantile(stalls, 0.99), 1),
      stall_max_ms: round(Math.max(...stalls), 1),
      idle_stall_p99_ms: round(quantile(idleStallsMs, 0.99), 1),
      causes: causes.size,
      duds: verdicts.filter(({ isDud }) => isDud).length,
    },
  };
}

function rowOf(category: string, verdicts: readonly Verdict[]): Row {
  const hows = Map.groupBy(verdicts, ({ how }) => how);
  const worst = (value: (verdict: Verdict) => number): number => Math.max(...verdicts.map(value));
  const [first] = verdicts;
  return {
    name: first?.payload.aim === 'escape' ? `escape to ${category}` : `${first?.payload.aim ?? ''}: ${category}`,
    values: {
      payloads: verdicts.length,
      contained: verdicts.filter((verdict) => faultsOf(verdict).length === 0).length,
      'refused by policy': verdicts.filter(({ policy }) => policy === 'refused').length,
      'after deadline ms': Math.round(worst(({ afterDeadlineMs }) => afterDeadlineMs)),
      'memory MB': Math.round(worst(({ growthBytes }) => growthBytes) / MB),
      'hosts lost': verdicts.reduce((sum, { hostsLost }) => sum + hostsLost, 0),
      'stall ms': Math.round(worst(({ neighbour }) => neighbour.longestMs)),
      how: [...hows].map(([how, own]) => `${how} ${own.length}`).join(', '),
    },
  };
}

function lineOf({ name, values }: Row): string {
  return `${name.padEnd(24)} ${Object.entries(values)
    .map(([column, value]) => (column === 'how' ? String(value) : `${column} ${value}`))
    .join(' · ')}`;
}
