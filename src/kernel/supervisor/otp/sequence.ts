// Random supervision trees and what is done to them, as data: the same sequence runs on our supervisor, on a model of the rules, and on OTP.
import fc from 'fast-check';

import type { AutoShutdown, Restart, Strategy } from '../words.ts';

export type Reason = 'normal' | 'shutdown' | 'shutdown, x' | 'boom' | 'kill';

export interface WorkerSpec {
  id: string;
  restart: Restart;
  significant: boolean;
  brutal: boolean;
}

export interface TreeSpec {
  strategy: Strategy;
  intensity: number;
  periodMs: number;
  autoShutdown: AutoShutdown;
  children: readonly (WorkerSpec | NestedSpec)[];
}

export interface NestedSpec extends WorkerSpec {
  tree: TreeSpec;
}

/** `on` names the supervisor that is called: `top` or a nested one. */
export type Step =
  | { do: 'exit'; id: string; reason: Reason }
  /** Two children of one supervisor end before it has heard of either. */
  | { do: 'exitTogether'; on: string; first: [string, Reason]; second: [string, Reason] }
  | { do: 'failStarts'; id: string; times: number }
  | { do: 'terminate' | 'restart' | 'delete'; on: string; id: string }
  | { do: 'start'; on: string; child: WorkerSpec }
  | { do: 'killSupervisor'; id: string }
  | { do: 'advance'; ms: number }
  | { do: 'stop' };

export interface Sequence {
  tree: TreeSpec;
  steps: readonly Step[];
}

const OUTER = ['a', 'b', 'c', 'd'];
const INNER = ['x', 'y', 'z'];
const NESTED = 'inner';

const restart = fc.constantFrom<Restart>('permanent', 'transient', 'temporary');
const reason = fc.constantFrom<Reason>('normal', 'shutdown', 'shutdown, x', 'boom', 'boom', 'kill');
const strategy = fc.constantFrom<Strategy>('one_for_one', 'one_for_all', 'rest_for_one');
const autoShutdown = fc.constantFrom<AutoShutdown>('never', 'any_significant', 'all_significant');

function worker(id: string): fc.Arbitrary<WorkerSpec> {
  return fc.record({ id: fc.constant(id), restart, significant: fc.boolean(), brutal: fc.boolean() });
}

function tree(children: fc.Arbitrary<readonly (WorkerSpec | NestedSpec)[]>): fc.Arbitrary<TreeSpec> {
  return fc.record({ strategy, intensity: fc.nat({ max: 6 }), periodMs: fc.constant(1000), autoShutdown, children }).map((spec) => ({
    ...spec,
    children: spec.children.map((child) => ({ ...child, significant: maySignify(child, spec.autoShutdown) })),
  }));
}

/** Specifications that are refused at the start would show nothing here. */
function maySignify(child: WorkerSpec, auto: AutoShutdown): boolean {
  return child.significant && auto !== 'never' && child.restart !== 'permanent';
}

const nested: fc.Arbitrary<NestedSpec> = fc
  .tuple(worker(NESTED), tree(fc.tuple(...INNER.map(worker))))
  .map(([spec, below]) => ({ ...spec, brutal: false, tree: below }));

const topTree = tree(
  fc
    .tuple(fc.subarray(OUTER, { minLength: 1 }), fc.option(nested), fc.nat())
    .chain(([ids, inner, position]) =>
      fc
        .tuple(...ids.map(worker))
        .map((workers) => (inner === null ? workers : workers.toSpliced(position % (workers.length + 1), 0, inner))),
    ),
);

const anyId = fc.constantFrom(...OUTER, ...INNER);
const call = fc.constantFrom('terminate' as const, 'restart' as const, 'delete' as const);
const callOn = fc.oneof(
  fc.record({ do: call, on: fc.constant('top'), id: fc.constantFrom(...OUTER, NESTED) }),
  fc.record({ do: call, on: fc.constant(NESTED), id: fc.constantFrom(...INNER) }),
);
const startOn = fc.oneof(
  fc.record({ do: fc.constant('start' as const), on: fc.constant('top'), child: fc.constantFrom(...OUTER).chain(worker) }),
  fc.record({ do: fc.constant('start' as const), on: fc.constant(NESTED), child: fc.constantFrom(...INNER).chain(worker) }),
);
const together = fc
  .constantFrom({ on: 'top', ids: OUTER }, { on: NESTED, ids: INNER })
  .chain(({ on, ids }) => fc.tuple(fc.constant(on), fc.shuffledSubarray(ids, { minLength: 2, maxLength: 2 }), reason, reason))
  .map(([on, [a = '', b = ''], reasonA, reasonB]): Step => ({ do: 'exitTogether', on, first: [a, reasonA], second: [b, reasonB] }));

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('exit' as const), id: anyId, reason }) },
  { weight: 2, arbitrary: together },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('failStarts' as const), id: anyId, times: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 3, arbitrary: callOn },
  { weight: 2, arbitrary: startOn.map((start) => ({ ...start, child: { ...start.child, significant: false } })) },
  { weight: 1, arbitrary: fc.constant({ do: 'killSupervisor' as const, id: NESTED }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.nat({ max: 1500 }) }) },
);

/** Every sequence ends with a stop of the whole tree. */
export const sequence: fc.Arbitrary<Sequence> = fc
  .record({ tree: topTree, steps: fc.array(step, { minLength: 1, maxLength: 14 }) })
  .map(({ tree: spec, steps }) => ({
    tree: spec,
    steps: [...steps, { do: 'stop' as const }],
  }));

/** The same without time: OTP counts restarts in whole seconds, so here all of them are within one period. */
export function timeless({ tree: spec, steps }: Sequence): Sequence {
  return { tree: endlessPeriods(spec), steps: steps.filter((one) => one.do !== 'advance') };
}

function endlessPeriods(spec: TreeSpec): TreeSpec {
  const children = spec.children.map((child) => (isNested(child) ? { ...child, tree: endlessPeriods(child.tree) } : child));
  return { ...spec, periodMs: 3_600_000, children };
}

export function isNested(spec: WorkerSpec | NestedSpec): spec is NestedSpec {
  return 'tree' in spec;
}
