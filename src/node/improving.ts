// What the improvement pipeline asks of the rest of the node.
import type { Promotion } from '#improvement/promotion.ts';
import { workbench, type Workbench } from '#improvement/workbench.ts';
import { checkProtected } from '#domains/runtime/stager.ts';
import { isSeedError, SeedError } from '#lib/error.ts';
import { timeOfUuidv7 } from '#lib/id.ts';
import { emit } from '#telemetry/emit.ts';
import { runContractTests } from './build.ts';
import { askForApproval } from './improvement-approval.ts';
import type { Parts } from './parts.ts';
import { replayRecorded } from './recorded-replay.ts';
import { scoreOn } from './score-on.ts';

export function createWorkbench(parts: Parts): Workbench {
  const compiler = parts.get('compiler');
  return workbench({
    compile: (sources) => compiler.compileChecked(sources),
    compileEvaluation: (sources) => compiler.compileEvaluation(sources),
    contractTests: (base, bundle) => runContractTests(parts, base.contract, bundle),
    evaluate: (request, signal) => scoreOn(parts.get('workHosts').evaluators, { request, signal }),
    onEvaluated: (agent, set, outcome) =>
      emit(
        'seed_agent.evaluation.end',
        { samples: outcome.ok ? outcome.scores.length : 0, duration_us: outcome.ok ? Math.round(outcome.wallMs * 1000) : 0 },
        {
          agent,
          set: set === 'selection' || set === 'validation' || set === 'test' ? set : 'reported',
          outcome: outcome.ok ? (outcome.stopped ? 'stopped' : 'scored') : 'failed',
        },
      ),
  });
}

export function createPromotion(parts: Parts, agent: string, improvement: { id: string; parent: string; proposer: string }): Promotion {
  const principal = { kind: 'node', id: parts.ground.info.id };
  return {
    stage: async (sources, { reports, promptHash }) => {
      const { artifact: base } = await parts.get('codeStore').load(agent, improvement.parent);
      checkProtected(base.sources, sources);
      const stager = parts.get('stager');
      const built = await stager.build({ sources, agent });
      const { proposer, parent, id } = improvement;
      const staged = await stager.keep(built, {
        agent,
        parent,
        proposer,
        note: `improvement ${id}`,
        reports,
        promptHash,
        principal,
        createdAtMs: timeOfUuidv7(id),
      });
      return { hash: staged.artifact.hash, version: staged.number };
    },
    replay: (hash, signal) => replayRecorded(parts, { agent, base: improvement.parent, hash, signal }),
    rehearse: (hash) => parts.get('agents').rollout(agent).rehearse({ hash }),
    approval: (request) => askForApproval(parts, request),
    promote: async (hash, reason) => {
      const live = parts.get('agents').worker(agent)?.live?.hash;
      // What was measured and approved is the step from one version to the other.
      if (live !== improvement.parent && live !== hash)
        throw new SeedError(
          'conflict',
          `another version of ${agent} went live meanwhile: this one was measured against ${improvement.parent.slice(0, 12)}`,
          {
            hint: `seed code:promote ${agent} ${hash.slice(0, 12)} makes it live all the same`,
          },
        );
      try {
        const swapped = await parts.get('agents').rollout(agent).promote({ hash, reason, principal });
        return { generation: swapped.generation, swapUs: swapped.durationUs };
      } catch (error) {
        if (isSeedError(error) && error.code === 'invalid_state' && parts.get('agents').worker(agent)?.live?.hash === hash) return null;
        throw error;
      }
    },
    observed: (hash, signal) => parts.get('recorder').verdict(agent, hash, signal),
  };
}
