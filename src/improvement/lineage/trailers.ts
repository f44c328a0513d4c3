// What a commit of the lineage says of the candidate it holds, as git's own trailers.

/** Key → value; what is not known is left out. */
export interface CandidateNote {
  agent: string;
  improvement?: string;
  /** Hash of the version it was made from. */
  parent?: string;
  /** Id of the candidate that it was made from, where that was not the version as it is. */
  madeFrom?: string;
  proposer: string;
  promptHash?: string;
  costMicroUsd?: number;
  selection?: number;
  validation?: number;
  test?: number;
  /** `accepted`, or why not. */
  verdict: string;
  approver?: string;
  /** Of an accepted one. */
  version?: number;
  hash?: string;
}

const KEYS = {
  agent: 'Agent',
  improvement: 'Improvement',
  parent: 'Parent',
  madeFrom: 'Made-From',
  proposer: 'Proposer',
  promptHash: 'Prompt-Hash',
  costMicroUsd: 'Cost-Micro-Usd',
  selection: 'Score-Selection',
  validation: 'Score-Validation',
  test: 'Score-Test',
  verdict: 'Verdict',
  approver: 'Approved-By',
  version: 'Version',
  hash: 'Artifact',
} as const satisfies Record<keyof CandidateNote, string>;

/** A whole commit message. */
export function message(subject: string, body: string, note: CandidateNote): string {
  const trailers = (Object.keys(KEYS) as (keyof CandidateNote)[]).flatMap((name) => {
    const value = note[name];
    return value === undefined ? [] : [`${KEYS[name]}: ${oneLine(String(value))}`];
  });
  const words = body.trim();
  // A paragraph that looks like trailers would be read as such: each line of it is set in.
  const text = words === '' ? '' : `${words.replaceAll(/^/gm, '  ')}\n\n`;
  return `${oneLine(subject).slice(0, 100)}\n\n${text}${trailers.join('\n')}\n`;
}

/** @param trailers `%(trailers:unfold,only)` of git log */
export function readTrailers(trailers: string): CandidateNote {
  const found = new Map(
    trailers.split('\n').flatMap((line): [string, string][] => {
      const at = line.indexOf(': ');
      return at === -1 ? [] : [[line.slice(0, at), line.slice(at + 2)]];
    }),
  );
  const text = (name: keyof CandidateNote): string | undefined => found.get(KEYS[name]);
  const number = (name: keyof CandidateNote): number | undefined => {
    const value = Number(text(name));
    return text(name) === undefined || Number.isNaN(value) ? undefined : value;
  };
  return {
    agent: text('agent') ?? '',
    proposer: text('proposer') ?? '',
    verdict: text('verdict') ?? '',
    ...there({ improvement: text('improvement'), parent: text('parent'), madeFrom: text('madeFrom'), promptHash: text('promptHash') }),
    ...there({ approver: text('approver'), hash: text('hash'), version: number('version') }),
    ...there({ costMicroUsd: number('costMicroUsd'), selection: number('selection') }),
    ...there({ validation: number('validation'), test: number('test') }),
  };
}

function there<T extends Record<string, string | number | undefined>>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
