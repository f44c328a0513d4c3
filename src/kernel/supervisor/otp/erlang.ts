// A sequence as Erlang terms, for otp.escript.
import { isNested, type NestedSpec, type Sequence, type Step, type TreeSpec, type WorkerSpec } from './sequence.ts';

export function toErlang({ tree, steps }: Sequence): string {
  return `{${treeTerm(tree)}, [${steps.map(stepTerm).join(', ')}]}.`;
}

function treeTerm({ strategy, intensity, autoShutdown, children }: TreeSpec): string {
  return `{${strategy}, ${intensity}, ${autoShutdown}, [${children.map(childTerm).join(', ')}]}`;
}

function childTerm(spec: WorkerSpec | NestedSpec): string {
  const { id, restart, significant, brutal } = spec;
  return isNested(spec)
    ? `{supervisor, ${id}, ${restart}, ${significant}, ${treeTerm(spec.tree)}}`
    : `{worker, ${id}, ${restart}, ${significant}, ${brutal}}`;
}

function stepTerm(step: Step): string {
  switch (step.do) {
    case 'exit':
      return `{exit, ${step.id}, ${reasonTerm(step.reason)}}`;
    case 'exitTogether': {
      const [first, second] = [step.first, step.second].map(([id, reason]) => `{${id}, ${reasonTerm(reason)}}`);
      return `{exit_together, ${step.on}, ${first}, ${second}}`;
    }
    case 'failStarts':
      return `{fail, ${step.id}, ${step.times}}`;
    case 'killSupervisor':
      return `{kill_supervisor, ${step.id}}`;
    case 'start':
      return `{start, ${step.on}, ${childTerm(step.child)}}`;
    case 'advance':
      throw new Error('time can not be told to OTP: use timeless()');
    case 'stop':
      return 'stop';
    default:
      return `{${step.do}, ${step.on}, ${step.id}}`;
  }
}

function reasonTerm(reason: string): string {
  return reason.includes(',') ? `{${reason}}` : reason;
}
