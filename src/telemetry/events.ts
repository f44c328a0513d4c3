// Every event of the program: the one table. docs/events.md is generated from it, the types of emit() come from it.
import { type EventSpec, number, oneOf, open, text } from './event-spec.ts';

/** How a call ended; the same words in events, metrics and call records. */
export const CALL_OUTCOMES = [
  'ok',
  'threw',
  'unserialisable',
  'cpu_limit',
  'deadline',
  'memory_limit',
  'output_limit',
  'cancelled',
  'host_lost',
  'parked',
  'refused',
] as const;

/** How a chat completion ended: cancelled by who had asked, not taken (limit), or for a reason of the model's. */
export const CHAT_OUTCOMES = ['ok', 'cancelled', 'deadline', 'rate_limited', 'missing_api_key', 'failed'] as const;

/** Why a version was taken back. */
export const ROLLBACK_REASONS = ['errors', 'latency', 'limit_hits', 'strikes', 'load_failed', 'manual'] as const;

export const HOST_ROLES = ['serving', 'validator', 'evaluator'] as const;

const hotReload = {
  agent: open('name of the agent'),
  id: open('id of the swap'),
  hash: open('hash of the version'),
  cause: oneOf(['improvement', 'promote', 'rollback', 'start', 'reconcile'], 'what asked for it'),
};

export const EVENTS = {
  'seed_agent.node.start': {
    meaning: 'the node process begins to start',
    level: 'info',
    measurements: {},
    metadata: {
      node: open('id of the node'),
      version: open('version of the program'),
      mode: oneOf(['embedded', 'cluster'], 'where its data is'),
    },
  },
  'seed_agent.node.ready': {
    meaning: 'every service of the node has started',
    level: 'info',
    measurements: { duration_us: number('µs', 'since the process started') },
    metadata: { node: open('id of the node') },
  },
  'seed_agent.node.stop': {
    meaning: 'the node begins to drain and stop',
    level: 'info',
    measurements: {},
    metadata: { node: open('id of the node'), reason: open('signal or operation that asked for it') },
  },
  'seed_agent.supervisor.restart': {
    meaning: 'a supervisor starts a child again',
    level: 'warn',
    measurements: { restarts: number('restarts', 'of this child within the current period') },
    metadata: {
      supervisor: open('id of the supervisor'),
      child: open('id of the child'),
      kind: open("kind of the child, for counting: its id without a number or an agent's name"),
      reason: oneOf(['normal', 'shutdown', 'killed', 'error', 'sibling'], 'how the old one ended; sibling: only with another child'),
    },
  },
  'seed_agent.supervisor.escalation': {
    meaning: 'a supervisor gives up and ends, because of one child',
    level: 'error',
    measurements: {},
    metadata: {
      supervisor: open('id of the supervisor'),
      child: open('id of the child'),
      cause: oneOf(['intensity', 'auto_shutdown'], 'intensity: too many restarts within its period'),
    },
  },
  'seed_agent.hot_reload.start': {
    meaning: 'a version is about to replace the live one',
    level: 'debug',
    measurements: { queue_depth: number('improvements', 'waiting or running at that moment') },
    metadata: hotReload,
  },
  'seed_agent.hot_reload.success': {
    meaning: 'the new version is live: new calls go to it',
    level: 'info',
    measurements: { version: text('the version that is now live (v1, v2, …)') },
    metadata: hotReload,
  },
  'seed_agent.hot_reload.error': {
    meaning: 'the version could not be made live; the one before stays',
    level: 'error',
    measurements: { reason: text('code and message of the failure') },
    metadata: hotReload,
  },
  'seed_agent.hot_reload.duration': {
    meaning: 'follows success or error: how long the swap took, from the request until the new version was live',
    level: null,
    measurements: { duration: number('µs', 'whole swap') },
    metadata: { ...hotReload, outcome: oneOf(['success', 'error'], 'how it ended') },
  },
  'seed_agent.rollout.rollback': {
    meaning: 'the version before is live again',
    level: 'warn',
    measurements: { calls: number('calls', 'seen on the version that was taken back') },
    metadata: {
      agent: open('name of the agent'),
      from: open('version that was taken back'),
      to: open('version that is live again'),
      reason: oneOf(ROLLBACK_REASONS, 'what decided it'),
    },
  },
  'seed_agent.rollout.verdict': {
    meaning: 'the observation after a swap has ended',
    level: 'info',
    measurements: { calls: number('calls', 'seen while observing'), duration_us: number('µs', 'of the observation') },
    metadata: {
      agent: open('name of the agent'),
      version: open('version that was observed'),
      verdict: oneOf(['healthy', 'unverified', 'rolled_back', 'superseded'], 'unverified: there was too little traffic to tell'),
    },
  },
  'seed_agent.version.strike': {
    meaning: 'a version has ended the sandbox host that it ran in',
    level: 'warn',
    measurements: { strikes: number('strikes', 'of this version within ten minutes; three are the end of it') },
    metadata: { agent: open('name of the agent'), hash: open('hash of the version') },
  },
  'seed_agent.version.quarantined': {
    meaning: 'a version is in quarantine: it does not go live again unless a person says why',
    level: 'error',
    measurements: { strikes: number('strikes', 'that brought it there') },
    metadata: { agent: open('name of the agent'), hash: open('hash of the version') },
  },
  'seed_agent.version.released': {
    meaning: 'a person has let a version out of quarantine, and it went live',
    level: 'warn',
    measurements: {},
    metadata: {
      agent: open('name of the agent'),
      version: open('the version (v1, v2, …)'),
      hash: open('hash of the version'),
      by: open('who did it'),
      reason: open('why, in their words'),
    },
  },
  'seed_agent.invocation.end': {
    meaning: 'a call of an agent has ended',
    level: null,
    measurements: {
      duration_us: number('µs', 'wall clock, gate and recording included'),
      cpu_us: number('µs', 'processor time in the isolate'),
    },
    metadata: {
      agent: open('name of the agent'),
      export: open('export that was called'),
      version: open('version that answered'),
      outcome: oneOf(CALL_OUTCOMES, 'how it ended'),
      path: oneOf(['sync', 'async', 'none'], 'path through the sandbox host; none: it never reached one'),
    },
  },
  'seed_agent.stream.end': {
    meaning: 'a call that streamed has ended, however',
    level: null,
    measurements: {
      chunks: number('chunks', 'passed on or collected'),
      size_bytes: number('bytes', 'of their JSON texts'),
    },
    metadata: { agent: open('name of the agent') },
  },
  'seed_agent.capability.request': {
    meaning: 'a call asked the node for something its contract grants',
    level: null,
    measurements: { duration_us: number('µs', 'until it was answered') },
    metadata: {
      agent: open('name of the agent'),
      capability: open('name of the request, for example state.get'),
      outcome: oneOf(['ok', 'error', 'refused'], 'how it was answered'),
    },
  },
  'seed_agent.state.changed': {
    meaning: 'the state of an instance got another version',
    level: 'debug',
    measurements: { bytes: number('characters', 'of JSON before') },
    metadata: {
      agent: open('name of the agent'),
      key: open('instance'),
      way: oneOf(
        ['up', 'down', 'snapshot', 'discarded'],
        'by codeChange; snapshot: what it was before, nobody had written since; discarded: what it was before, on request',
      ),
      from: open('version of the state before'),
      to: open('version of the state that was wanted'),
    },
  },
  'seed_agent.state.change_failed': {
    meaning: 'codeChange failed on the state of an instance, which stays as it was',
    level: 'warn',
    measurements: { bytes: number('characters', 'of JSON') },
    metadata: {
      agent: open('name of the agent'),
      key: open('instance'),
      version: open('whose codeChange'),
      reason: open('what went wrong'),
    },
  },
  'seed_agent.state.frozen': {
    meaning: 'after a rollback an instance stays on the version that was taken back, because its state can not go back without loss',
    level: 'warn',
    measurements: { bytes: number('characters', 'of JSON') },
    metadata: {
      agent: open('name of the agent'),
      key: open('instance'),
      version: open('version that goes on answering it'),
      reason: open('why its state could not be taken along'),
    },
  },
  'seed_agent.capability.use_dropped': {
    meaning: 'notes of what agents did beyond their isolate were lost before they were stored',
    level: 'warn',
    measurements: { uses: number('uses', 'lost') },
    metadata: { reason: oneOf(['buffer_full', 'write_failed'], 'why') },
  },
  'seed_agent.call_record.written': {
    meaning: 'a batch of call records is stored',
    level: null,
    measurements: { records: number('records', 'in the batch'), duration_us: number('µs', 'of the write') },
    metadata: {},
  },
  'seed_agent.call_record.dropped': {
    meaning: 'call records were lost before they were stored',
    level: 'warn',
    measurements: { records: number('records', 'lost') },
    metadata: { reason: oneOf(['buffer_full', 'write_failed', 'too_large'], 'why') },
  },
  'seed_agent.sandbox.host_start': {
    meaning: 'a sandbox host process answers',
    level: 'debug',
    measurements: { duration_us: number('µs', 'from spawn to its first answer') },
    metadata: { role: oneOf(HOST_ROLES, 'what it is for'), pid: open('process id') },
  },
  'seed_agent.sandbox.host_exit': {
    meaning: 'a sandbox host process has ended',
    level: 'debug',
    measurements: { lifetime_us: number('µs', 'since it was started'), calls: number('calls', 'in flight that were lost') },
    metadata: {
      role: oneOf(HOST_ROLES, 'what it was for'),
      pid: open('process id'),
      reason: oneOf(['stopped', 'retired', 'crashed', 'unresponsive', 'memory', 'cpu'], 'why; the last four: not asked for'),
    },
  },
  'seed_agent.evaluation.end': {
    meaning: 'a candidate was scored on one set',
    level: null,
    measurements: { samples: number('samples', 'scored'), duration_us: number('µs', 'wall clock') },
    metadata: {
      agent: open('name of the agent'),
      set: oneOf(['selection', 'validation', 'test', 'reported'], 'which samples'),
      outcome: oneOf(['scored', 'stopped', 'failed'], 'stopped: certain to be worse before the end'),
    },
  },
  'seed_agent.improvement.start': {
    meaning: 'an improvement begins',
    level: 'info',
    measurements: { queue_depth: number('improvements', 'waiting behind it') },
    metadata: { agent: open('name of the agent'), id: open('id of the improvement'), proposer: open('who writes the candidates') },
  },
  'seed_agent.improvement.stage': {
    meaning: 'an improvement has finished a stage of the gate',
    level: 'debug',
    measurements: { duration_us: number('µs', 'of the stage') },
    metadata: {
      agent: open('name of the agent'),
      id: open('id of the improvement'),
      stage: open('name of the stage'),
      outcome: oneOf(['passed', 'failed', 'skipped'], 'how it ended'),
    },
  },
  'seed_agent.improvement.end': {
    meaning: 'an improvement has ended',
    level: 'info',
    measurements: { duration_us: number('µs', 'from its start'), candidates: number('candidates', 'scored') },
    metadata: {
      agent: open('name of the agent'),
      id: open('id of the improvement'),
      proposer: open('who wrote the candidates'),
      outcome: oneOf(['promoted', 'no_gain', 'rejected', 'rolled_back', 'failed', 'cancelled'], 'how it ended'),
    },
  },
  'seed_agent.lineage.rebuilt': {
    meaning: 'the git repository of the lineage was made again from what is stored',
    level: 'warn',
    measurements: { duration_us: number('µs', 'until it could be used again'), commits: number('commits', 'that were written') },
    metadata: {
      reason: oneOf(
        ['missing', 'damaged', 'refused', 'asked'],
        'missing: there was none; damaged: something in it could not be read; refused: it took nothing new; asked: somebody wanted it so',
      ),
    },
  },
  'seed_agent.improvement.trigger': {
    meaning: 'a node has found a reason to improve an agent, and asked for it',
    level: 'info',
    measurements: { reason: text('what was seen') },
    metadata: {
      agent: open('name of the agent'),
      id: open('id of the improvement'),
      trigger: oneOf(['score_drop', 'error_rate', 'stagnation', 'schedule'], 'what kind of reason'),
    },
  },
  'seed_agent.improvement.pause': {
    meaning: 'all improvements are stopped, on every node',
    level: 'warn',
    measurements: {},
    metadata: { by: open('who did it'), reason: open('why, in their words') },
  },
  'seed_agent.improvement.resume': {
    meaning: 'improvements go on after a pause',
    level: 'info',
    measurements: { duration_us: number('µs', 'of the pause') },
    metadata: { by: open('who did it') },
  },
  'seed_agent.proposer.escalated': {
    meaning: 'a proposer can not work until somebody sees to it: a credential, a program or a server is missing',
    level: 'error',
    measurements: {},
    metadata: { proposer: open('its name'), failure: open('what it failed with, for example missing_api_key') },
  },
  'seed_agent.approval.opened': {
    meaning: 'a question was put to a person; a rule may answer it at once',
    level: 'info',
    measurements: {},
    metadata: {
      id: open('id of the approval'),
      type: open('what is asked about'),
      priority: oneOf(['low', 'normal', 'high', 'critical'], 'how urgent it is'),
    },
  },
  'seed_agent.approval.decided': {
    meaning: 'an approval was decided',
    level: 'info',
    measurements: {},
    metadata: {
      id: open('id of the approval'),
      type: open('what was asked about'),
      state: oneOf(['approved', 'denied', 'auto_approved', 'expired'], 'by a person, by a rule, or by time'),
    },
  },
  'seed_agent.chat.end': {
    meaning: 'a chat completion has ended, however',
    level: 'debug',
    measurements: {
      duration_us: number('µs', 'until the last of it had come'),
      input_tokens: number('tokens', 'as the model counts them; 0 where it did not say'),
      output_tokens: number('tokens', 'as the model counts them; 0 where it did not say'),
    },
    metadata: {
      provider: open('who was asked: claude-code, codex, or a provider of models'),
      outcome: oneOf(CHAT_OUTCOMES, 'rate_limited: here or by the provider'),
    },
  },
  'seed_agent.http.request': {
    meaning: 'an HTTP request was answered',
    level: null,
    measurements: { duration_us: number('µs', "until the answer's head was ready") },
    metadata: { operation: open('name of the operation; none for a path that is no route'), status: open('HTTP status code') },
  },
  'seed_agent.telemetry.handler_failed': {
    meaning: 'a handler of events threw and was detached, or a reader of a metric threw and its values are missing',
    level: 'error',
    measurements: {},
    metadata: { handler: open('name of the handler or metric'), event: open('event it failed on; scrape'), reason: open('what it threw') },
  },
} as const satisfies Record<string, EventSpec>;

export type EventName = keyof typeof EVENTS;

type Spec<N extends EventName> = (typeof EVENTS)[N];

/** What is measured at the event: numbers in the unit the table gives, or text. */
export type Measurements<N extends EventName> = {
  [K in keyof Spec<N>['measurements']]: Spec<N>['measurements'][K] extends { type: 'number' } ? number : string;
};

/** What is known about the event; closed lists are unions. */
export type Metadata<N extends EventName> = {
  [K in keyof Spec<N>['metadata']]: Spec<N>['metadata'][K] extends { values: readonly (infer V)[] } ? V : string;
};
