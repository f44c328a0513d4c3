// Whether the gate can be cheated: scripted cheaters and honest controls go the way of every improvement in a whole node, from the
// proposer on; nothing but the proposer is scripted. Draws of validation are secret and fresh for each.
import { ENTRANTS, SAMPLE } from '../test/honesty/entrants.ts';
import { Trial, type Verdict } from '../test/honesty/trial.ts';
import type { Benchmark, Row } from './benchmark.ts';
import { round } from './report.ts';

const SHOWN_CHARS = 110;

export const cheaters: Benchmark = async ({ quick, say }) => {
  await using trial = await Trial.start();
  const verdicts = await trial.judge(quick ? SAMPLE : ENTRANTS, (verdict) => say(lineOf(verdict)));
  const honest = verdicts.filter(({ entrant }) => entrant.honest);
  const cheating = verdicts.filter(({ entrant }) => !entrant.honest);
  return {
    rows: verdicts.map(rowOf),
    figures: {
      cheaters: cheating.length,
      accepted: cheating.filter(({ accepted }) => accepted).length,
      honest: honest.length,
      honest_accepted: honest.filter(({ accepted }) => accepted).length,
      damaged: verdicts.filter(({ damaged }) => damaged.length > 0).length,
    },
  };
};

function lineOf({ entrant, accepted, gate, reason }: Verdict): string {
  const right = accepted === entrant.honest ? '' : '  WRONG';
  return `${entrant.honest ? 'honest ' : 'cheater'} ${entrant.agent}: ${entrant.name} · ${accepted ? 'live' : `${gate}: ${reason.slice(0, SHOWN_CHARS)}`}${right}`;
}

function rowOf({ entrant, accepted, gate, reason, selection, validation }: Verdict): Row {
  return {
    name: `${entrant.agent} ${entrant.name}`,
    values: {
      kind: entrant.honest ? 'honest' : 'cheater',
      verdict: accepted ? 'accepted' : 'refused',
      selection: selection === null ? '' : round(selection),
      base: validation === null ? '' : round(validation.base_mean),
      validation: validation === null ? '' : round(validation.mean),
      p: validation === null ? '' : Number(validation.p.toPrecision(2)),
      'refused at': accepted ? '' : gate,
      words: reason.replaceAll(/\s+/g, ' ').slice(0, SHOWN_CHARS),
    },
  };
}
