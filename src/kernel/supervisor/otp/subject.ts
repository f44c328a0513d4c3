// Runs a sequence on our own supervisor and tells what the model and OTP tell about theirs.
import type { ChildResult } from '../child-result.ts';
import type { ChildSpec } from '../child-spec.ts';
import type { ExitReason } from '../exit-reason.ts';
import { ManualClock } from '../manual-clock.ts';
import { isNested, type NestedSpec, type Reason, type Sequence, type Step, type TreeSpec, type WorkerSpec } from './sequence.ts';
import { Script, settle } from '../scripted-child.ts';
import { supervisorChild } from '../supervisor-child.ts';
import { Supervisor } from '../supervisor.ts';

const REASONS: Record<Reason, ExitReason> = {
  normal: { kind: 'normal' },
  shutdown: { kind: 'shutdown' },
  'shutdown, x': { kind: 'shutdown', detail: 'x' },
  boom: { kind: 'error', message: 'boom' },
  kill: { kind: 'killed' },
};

export async function runSubject({ tree, steps }: Sequence): Promise<readonly string[]> {
  const script = new Script();
  const clock = new ManualClock();
  const top = new Supervisor({ id: 'top', clock, ...tree, children: childSpecs(tree, script) });
  let ended = false;
  void top.exited.then(() => (ended = true));
  await top.start();
  const observe = (result: string) => `${script.log.splice(0).join(' ')} | ${result} | ${ended ? 'dead' : look(top)}`;
  const observed = [observe('')];
  for (const step of steps) {
    const result = await run(step, { top, script, clock });
    await settle(script);
    observed.push(observe(result));
  }
  if (script.alive.length > 0) throw new Error(`still there after the stop: ${script.alive.join(' ')}`);
  return observed;
}

async function run(step: Step, { top, script, clock }: { top: Supervisor; script: Script; clock: ManualClock }): Promise<string> {
  switch (step.do) {
    case 'advance':
      clock.advance(step.ms);
      return '';
    case 'failStarts':
      script.failStarts(step.id, step.times);
      return '';
    case 'exit':
      script.exit(step.id, REASONS[step.reason]);
      return '';
    case 'exitTogether':
      for (const [id, reason] of [step.first, step.second]) script.exit(id, REASONS[reason]);
      return '';
    case 'killSupervisor':
      find(top, step.id)?.kill();
      return '';
    case 'stop':
      await top.stop();
      return '';
    case 'start':
      return outcome(await find(top, step.on)?.startChild(workerSpec(step.child, script)));
    case 'terminate':
      return outcome(await find(top, step.on)?.terminateChild(step.id));
    case 'restart':
      return outcome(await find(top, step.on)?.restartChild(step.id));
    case 'delete':
      return outcome(await find(top, step.on)?.deleteChild(step.id));
  }
}

function outcome(result: ChildResult | undefined): string {
  if (result === undefined) return 'stopped';
  return result.ok ? 'ok' : result.error;
}

function find(top: Supervisor, id: string): Supervisor | undefined {
  if (id === 'top') return top;
  const child = top.whichChildren().find((entry) => entry.id === id)?.child;
  return child instanceof Supervisor ? child : undefined;
}

function childSpecs(tree: TreeSpec, script: Script): readonly ChildSpec[] {
  return tree.children.map((spec) => (isNested(spec) ? nestedSpec(spec, script) : workerSpec(spec, script)));
}

function workerSpec({ id, restart, significant, brutal }: WorkerSpec, script: Script): ChildSpec {
  return { id, restart, significant, start: script.start(id), ...(brutal ? { shutdownMs: 'brutal_kill' } : {}) };
}

function nestedSpec({ id, restart, significant, tree }: NestedSpec, script: Script): ChildSpec {
  return { id, restart, significant, type: 'supervisor', start: supervisorChild({ ...tree, children: childSpecs(tree, script) }) };
}

function look(supervisor: Supervisor): string {
  return supervisor
    .whichChildren()
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id, child }) => `${id}${child === undefined ? '-' : '+'}${child instanceof Supervisor ? `[${look(child)}]` : ''}`)
    .join(' ');
}
