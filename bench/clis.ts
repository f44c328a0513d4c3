// What the runtime costs around a run of a coding agent's program, and how many such runs this machine holds: the two real programs against
// a scripted server on loopback, through the runtime (worktree, run, changes, end) and bare, in turns.
import { installClis } from '../scripts/clis.ts';
import { setup } from '../test/clis/reachable-programs.ts';
import type { Author } from '#improvement/proposers/author/author.ts';
import { INSTRUCTIONS } from '#improvement/proposers/author/prompt.ts';
import { NodeAuthors } from '../test/clis/node-authors.ts';
import { PRICED, pricedAgent } from '../test/clis/priced-agent.ts';
import { ScriptedApi } from '../test/clis/scripted-api.ts';
import { CommandRecorder } from './bare-program.ts';
import type { Benchmark, Row } from './benchmark.ts';
import { median, round, spread } from './report.ts';

const AT_ONCE = [1, 2, 3, 4, 6, 8];
/** By less than this more runs at once are no gain. */
const GAIN = 1.05;

export const clis: Benchmark = async ({ quick, say }) => {
  process.env['SEED_CLIS'] = installClis();
  const takeAway = setup();
  await using api = await ScriptedApi.start();
  try {
    const results: ProgramResult[] = [];
    for (const name of ['claude-code', 'codex'] as const)
      results.push(await measure(name, { api, pairs: quick ? 4 : 12, rounds: quick ? 1 : 3, say }));
    return {
      rows: results.flatMap(({ rows }) => rows),
      figures: {
        overhead_ms: round(Math.max(...results.map(({ overheadMs }) => overheadMs)), 0),
        parallel: Math.min(...results.map(({ parallel }) => parallel)),
      },
    };
  } finally {
    takeAway?.();
  }
};

interface ProgramResult {
  rows: readonly Row[];
  overheadMs: number;
  parallel: number;
}

interface MeasureOptions {
  api: ScriptedApi;
  pairs: number;
  rounds: number;
  say: (text: string) => void;
}

async function measure(name: 'claude-code' | 'codex', { api, pairs, rounds, say }: MeasureOptions): Promise<ProgramResult> {
  // It looks where the programs are when it is loaded.
  const { CLAUDE, CODEX, settingsOf } = await import('../test/clis/programs.ts');
  const content = pricedAgent('return a + 2 * b;');
  const settings = settingsOf(api.play(name, { steps: [{ write: { path: 'agent.ts', content } }, { text: 'It counts b twice.' }] }));
  using recorder = new CommandRecorder();
  using recorded = new NodeAuthors({ ...settings, [name === 'codex' ? 'CODEX_CLI_PATH' : 'CLAUDE_CLI_PATH']: recorder.path });
  await attempt(recorded.author(name));
  using bare = recorder.command(name === 'codex' ? CODEX : CLAUDE);
  using authors = new NodeAuthors(settings);
  const author = authors.author(name);
  // What is made once, and what the disk has to give for the first time.
  await bare.run();
  await timed(author);

  const [through, alone]: [number[], number[]] = [[], []];
  for (let pair = 0; pair < pairs; pair += 1) {
    const sides = [async () => void through.push(await timed(author)), async () => void alone.push(await bare.run())];
    for (const side of pair % 2 === 0 ? sides : sides.toReversed()) await side();
    say(`${name}, pair ${pair + 1} of ${pairs}: ${round(through[pair] ?? 0, 0)} ms, bare ${round(alone[pair] ?? 0, 0)} ms`);
  }
  const overheads = through.map((ms, pair) => ms - (alone[pair] ?? Number.NaN));
  const overheadMs = median(overheads);
  const { rows, parallel } = await sideBySide(name, { author, rounds, say });
  return {
    rows: [
      {
        name: `${name}: a run through the runtime`,
        values: {
          'wall ms': round(median(through), 0),
          'bare ms': round(median(alone), 0),
          'overhead ms': round(overheadMs, 0),
          spread: spread(overheads, 0),
          pairs,
        },
      },
      ...rows,
    ],
    overheadMs,
    parallel,
  };
}

/** Runs at once, one number of them after the other. */
async function sideBySide(name: string, { author, rounds, say }: { author: Author } & Pick<MeasureOptions, 'rounds' | 'say'>) {
  const rows: Row[] = [];
  let parallel = 0;
  let lastPerSecond = 0;
  let isRising = true;
  for (const count of AT_ONCE) {
    const walls: number[] = [];
    const totals: number[] = [];
    let failed = 0;
    for (let turn = 0; turn < rounds; turn += 1) {
      const startedMs = performance.now();
      const ends = await Promise.allSettled(Array.from({ length: count }, () => timed(author)));
      totals.push(performance.now() - startedMs);
      for (const end of ends) {
        if (end.status === 'fulfilled') walls.push(end.value);
        else failed += 1;
      }
    }
    const perSecond = (count * 1000) / median(totals);
    isRising &&= failed === 0 && perSecond >= lastPerSecond * GAIN;
    if (isRising) parallel = count;
    lastPerSecond = perSecond;
    say(`${name}, ${count} at once: ${round(perSecond, 2)} a second`);
    const values = { 'wall ms': round(median(walls), 0), spread: spread(walls, 0), 'per s': round(perSecond, 2), failed };
    rows.push({ name: `${name}: ${count} at once`, values });
  }
  return { rows, parallel };
}

/** @returns milliseconds. @throws Error when it was no success */
async function timed(author: Author): Promise<number> {
  const startedMs = performance.now();
  const isChanged = await attempt(author);
  const wallMs = performance.now() - startedMs;
  if (!isChanged) throw new Error(`${author.name} has changed nothing`);
  return wallMs;
}

/** One attempt of an improvement. @returns whether it has changed agent.ts */
async function attempt(author: Author): Promise<boolean> {
  const { signal } = new AbortController();
  const base = { agent: 'priced', hash: 'base', version: 1, sources: PRICED };
  const task = {
    prompt: 'Better agent.ts.',
    instructions: INSTRUCTIONS,
    base,
    description: PRICED['evals/README.md'],
    start: {},
    timeoutMs: 120_000,
    maxTurns: 50,
    budgetMicroUsd: undefined,
    signal,
  };
  let isChanged = false;
  for await (const event of author.write(task)) {
    if (event.type === 'ended') isChanged = event.outcome.ok && event.outcome.changes.some(({ path }) => path === 'agent.ts');
  }
  return isChanged;
}
