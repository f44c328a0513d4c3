// An evaluation inside an isolate: draws samples and leads sessions (in its own isolate), or runs its protected loop beside the
// candidate (in the candidate's). Answers are records: input <json> · sample <json> · score <number text> <detail json> · threw <error json>.
import type { Realm } from './realm.ts';

export interface Examination {
  /** The module of evals/evaluation.ts. */
  adopt(module: Record<string, unknown>): void;
  /** {"bestPossible": number | null, "inside": boolean, "reported": string[]} */
  describe(): string;
  /** Draws the sample of a seed and asks for the first input of its session. */
  open(set: string, seed: number): string;
  /** Hands the session an output and asks for the next input. */
  next(outputJson: string): string;
  /** Draws the sample of a seed for others to use; an empty text when only where it was drawn it is what it is. */
  sample(set: string, seed: number): string;
  /** Scores the candidate's functions on the sample of a seed, at the speed of plain calls. Draws it where it is not given. */
  inside(options: { set: string; seed: number; candidate: Record<string, unknown>; sampleJson: string | undefined }): string;
}

export function examination(
  realm: Realm,
  tools: { describe: (error: unknown) => string; seededRandom: (seed: number) => () => number },
): Examination {
  const { apply, keys, parse, slice, stringify, text, TypeError } = realm;
  const prefix = 'reported:';
  const { getPrototypeOf: prototypeOf, ownKeys } = Reflect;
  const { isArray, prototype: listPrototype } = Array;
  const objectPrototype = Object.prototype;
  const { describe, seededRandom } = tools;
  let evaluation: Record<string, unknown> = {};
  let session: Record<string, unknown> = {};
  let next: unknown;

  const methodOf = (owner: Record<string, unknown>, name: string): ((...values: never[]) => unknown) => {
    const member = owner[name];
    if (typeof member !== 'function') throw new TypeError(`the evaluation has no function ${name}`);
    return member as (...values: never[]) => unknown;
  };

  /** The evaluation itself, or one of its reported tasks: `reported:<name>`. */
  const taskOf = (set: string): Record<string, unknown> => {
    if (slice(set, 0, prefix.length) !== prefix) return evaluation;
    const name = slice(set, prefix.length, set.length);
    const task = ((evaluation['reported'] ?? {}) as Record<string, unknown>)[name];
    if (typeof task !== 'object' || task === null) throw new TypeError(`the evaluation has no task ${name}`);
    return task as Record<string, unknown>;
  };

  /** Each draw starts from the same clock and from generators that follow from the seed alone: draws are paired. */
  const begin = (seed: number): void => {
    realm.turn = { timeMs: 0, seed: seed + 0x1_0000_0000, generator: null, log: null };
  };

  const draw = (set: string, seed: number): unknown => {
    begin(seed);
    const task = taskOf(set);
    return apply(methodOf(task, 'sample'), task, task === evaluation ? [set, seededRandom(seed)] : [seededRandom(seed)]);
  };

  const scored = (result: unknown): string => {
    const { score, detail } = (typeof result === 'object' && result !== null ? result : { score: result }) as {
      score: unknown;
      detail?: unknown;
    };
    const json = detail === undefined ? 'null' : stringify(detail);
    return `score\t${typeof score === 'number' ? text(score) : `a ${typeof score}`}\t${json ?? 'null'}`;
  };

  const step = (output: unknown): string => {
    const { done, value } = apply(next as () => IteratorResult<unknown>, session, [output]);
    if (done) return scored(value);
    const json = stringify(value);
    if (json === undefined) throw new TypeError(`the session gave a ${typeof value} as input: it must be JSON`);
    return `input\t${json}`;
  };

  /** Whether its text says all there is: no NaN, no -0, no hole, no Map. */
  const isJson = (value: unknown): boolean => {
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
    if (typeof value === 'number') return value - value === 0 && (value !== 0 || 1 / value > 0);
    if (typeof value !== 'object') return false;
    const isList = isArray(value);
    if (prototypeOf(value) !== (isList ? listPrototype : objectPrototype)) return false;
    const names = keys(value);
    // A list has its length besides.
    if (ownKeys(value).length !== names.length + (isList ? 1 : 0) || (isList && names.length !== value.length)) return false;
    for (let index = 0; index < names.length; index += 1) {
      if (!isJson((value as Record<string, unknown>)[names[index] as string])) return false;
    }
    return true;
  };

  const guarded = (work: () => string): string => {
    try {
      return work();
    } catch (error) {
      return `threw\t${describe(error)}`;
    }
  };

  return {
    adopt(module) {
      evaluation = (module['default'] ?? {}) as Record<string, unknown>;
    },
    describe() {
      const best = evaluation['bestPossible'];
      const reported = keys(evaluation['reported'] ?? {});
      return `{"bestPossible":${typeof best === 'number' ? stringify(best) : 'null'},"inside":${typeof evaluation['inside'] === 'function'},"reported":${stringify(reported)}}`;
    },
    open: (set, seed) =>
      guarded(() => {
        const task = taskOf(set);
        session = apply(methodOf(task, 'session'), task, [draw(set, seed)]) as Record<string, unknown>;
        next = session['next'];
        return step(undefined);
      }),
    next: (outputJson) => guarded(() => step(parse(outputJson))),
    sample: (set, seed) =>
      guarded(() => {
        const sample = draw(set, seed);
        // What it took of Math.random, the loop that is given it must not get again.
        return realm.turn.generator === null && isJson(sample) ? `sample\t${stringify(sample)}` : '';
      }),
    inside: ({ set, seed, candidate, sampleJson }) =>
      guarded(() => {
        if (sampleJson !== undefined) begin(seed);
        const sample = sampleJson === undefined ? draw(set, seed) : parse(sampleJson);
        return scored(apply(methodOf(evaluation, 'inside'), evaluation, [sample, candidate]));
      }),
  };
}
