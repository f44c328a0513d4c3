// Every metric of the program: the one table. docs/metrics.md is generated from it, the types of metric() come from it.
import { CALL_OUTCOMES, CHAT_OUTCOMES, HOST_ROLES, ROLLBACK_REASONS } from './events.ts';
import { type MetricSpec, on, seconds } from './metric-spec.ts';

/** Calls and requests: 0.1 ms to 30 s. */
const CALL_BUCKETS = [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** Swaps: 1 ms to 10 s. */
const SWAP_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

export const METRICS = {
  seed_build_info: {
    type: 'gauge',
    help: 'Always 1; the labels say which program this is.',
    labels: { version: 'open', node: 'open' },
    from: [],
  },
  seed_agent_hot_reload_queue_depth: {
    type: 'gauge',
    help: 'Improvements that wait or run.',
    labels: {},
    from: [],
  },
  seed_agent_cluster_nodes: {
    type: 'gauge',
    help: 'Other nodes of the cluster that are present; this one is not counted.',
    labels: {},
    from: [],
  },
  seed_agent_hot_reload_total: {
    type: 'counter',
    help: 'Swaps of a live version, by outcome.',
    labels: { outcome: ['success', 'error'] },
    from: [on('seed_agent.hot_reload.duration', (_, { outcome }) => ({ labels: { outcome } }))],
  },
  seed_agent_hot_reload_duration_seconds: {
    type: 'histogram',
    help: 'From the request for a swap until the new version was live (or the swap had failed).',
    labels: { outcome: ['success', 'error'] },
    buckets: SWAP_BUCKETS,
    from: [on('seed_agent.hot_reload.duration', ({ duration }, { outcome }) => ({ value: seconds(duration), labels: { outcome } }))],
  },
  seed_invocations_total: {
    type: 'counter',
    help: 'Calls of agents, by how they ended.',
    labels: { agent: 'open', outcome: CALL_OUTCOMES },
    from: [on('seed_agent.invocation.end', (_, { agent, outcome }) => ({ labels: { agent, outcome } }))],
  },
  seed_invocation_duration_seconds: {
    type: 'histogram',
    help: 'Wall clock of a call, gate and recording included.',
    labels: { agent: 'open', outcome: CALL_OUTCOMES },
    buckets: CALL_BUCKETS,
    from: [
      on('seed_agent.invocation.end', ({ duration_us }, { agent, outcome }) => ({
        value: seconds(duration_us),
        labels: { agent, outcome },
      })),
    ],
  },
  seed_invocation_cpu_seconds_total: {
    type: 'counter',
    help: 'Processor time that calls used in their isolates.',
    labels: { agent: 'open' },
    from: [on('seed_agent.invocation.end', ({ cpu_us }, { agent }) => ({ value: seconds(cpu_us), labels: { agent } }))],
  },
  seed_stream_chunks_total: {
    type: 'counter',
    help: 'Chunks of streams, passed on or collected.',
    labels: { agent: 'open' },
    from: [on('seed_agent.stream.end', ({ chunks }, { agent }) => ({ value: chunks, labels: { agent } }))],
  },
  seed_stream_bytes_total: {
    type: 'counter',
    help: 'JSON texts of these chunks.',
    labels: { agent: 'open' },
    from: [on('seed_agent.stream.end', ({ size_bytes }, { agent }) => ({ value: size_bytes, labels: { agent } }))],
  },
  seed_capability_requests_total: {
    type: 'counter',
    help: 'What calls asked of the node, by capability and outcome.',
    labels: { capability: 'open', outcome: ['ok', 'error', 'refused'] },
    from: [on('seed_agent.capability.request', (_, { capability, outcome }) => ({ labels: { capability, outcome } }))],
  },
  seed_capability_uses_dropped_total: {
    type: 'counter',
    help: 'Notes of what agents did beyond their isolate that were lost before they were stored.',
    labels: { reason: ['buffer_full', 'write_failed'] },
    from: [on('seed_agent.capability.use_dropped', ({ uses }, { reason }) => ({ value: uses, labels: { reason } }))],
  },
  seed_state_changes_total: {
    type: 'counter',
    help: 'States of instances that got another version, or failed to (failed), or had to stay behind a rollback (frozen).',
    labels: { agent: 'open', way: ['up', 'down', 'snapshot', 'discarded', 'failed', 'frozen'] },
    from: [
      on('seed_agent.state.changed', (_, { agent, way }) => ({ labels: { agent, way } })),
      on('seed_agent.state.change_failed', (_, { agent }) => ({ labels: { agent, way: 'failed' } })),
      on('seed_agent.state.frozen', (_, { agent }) => ({ labels: { agent, way: 'frozen' } })),
    ],
  },
  seed_call_records_total: {
    type: 'counter',
    help: 'Call records that were stored, and that were lost before.',
    labels: { outcome: ['written', 'dropped'] },
    from: [
      on('seed_agent.call_record.written', ({ records }) => ({ value: records, labels: { outcome: 'written' } })),
      on('seed_agent.call_record.dropped', ({ records }) => ({ value: records, labels: { outcome: 'dropped' } })),
    ],
  },
  seed_rollbacks_total: {
    type: 'counter',
    help: 'Versions that were taken back, by reason.',
    labels: { agent: 'open', reason: ROLLBACK_REASONS },
    from: [on('seed_agent.rollout.rollback', (_, { agent, reason }) => ({ labels: { agent, reason } }))],
  },
  seed_version_strikes_total: {
    type: 'counter',
    help: 'Sandbox hosts that were ended by the version that ran in them.',
    labels: { agent: 'open' },
    from: [on('seed_agent.version.strike', (_, { agent }) => ({ labels: { agent } }))],
  },
  seed_quarantines_total: {
    type: 'counter',
    help: 'Versions that were put into quarantine after three strikes, and let out again by a person.',
    labels: { agent: 'open', change: ['in', 'out'] },
    from: [
      on('seed_agent.version.quarantined', (_, { agent }) => ({ labels: { agent, change: 'in' } })),
      on('seed_agent.version.released', (_, { agent }) => ({ labels: { agent, change: 'out' } })),
    ],
  },
  seed_rollout_verdicts_total: {
    type: 'counter',
    help: 'Observations after a swap, by verdict.',
    labels: { verdict: ['healthy', 'unverified', 'rolled_back', 'superseded'] },
    from: [on('seed_agent.rollout.verdict', (_, { verdict }) => ({ labels: { verdict } }))],
  },
  seed_improvements_total: {
    type: 'counter',
    help: 'Improvements that have ended, by outcome.',
    labels: { agent: 'open', outcome: ['promoted', 'no_gain', 'rejected', 'rolled_back', 'failed', 'cancelled'] },
    from: [on('seed_agent.improvement.end', (_, { agent, outcome }) => ({ labels: { agent, outcome } }))],
  },
  seed_evaluations_total: {
    type: 'counter',
    help: 'Scores of a candidate on one set.',
    labels: { set: ['selection', 'validation', 'test'], outcome: ['scored', 'stopped', 'failed'] },
    from: [on('seed_agent.evaluation.end', (_, { set, outcome }) => ({ labels: { set, outcome } }))],
  },
  seed_sandbox_hosts: {
    type: 'gauge',
    help: 'Sandbox host processes that answer, by role.',
    labels: { role: HOST_ROLES },
    from: [],
  },
  seed_sandbox_isolates: {
    type: 'gauge',
    help: 'Isolates in those processes.',
    labels: { role: HOST_ROLES },
    from: [],
  },
  seed_sandbox_host_exits_total: {
    type: 'counter',
    help: 'Sandbox host processes that have ended, by reason.',
    labels: { role: HOST_ROLES, reason: ['stopped', 'retired', 'crashed', 'unresponsive', 'memory', 'cpu'] },
    from: [on('seed_agent.sandbox.host_exit', (_, { role, reason }) => ({ labels: { role, reason } }))],
  },
  seed_supervisor_restarts_total: {
    type: 'counter',
    help: 'Children that a supervisor started again, by kind and reason.',
    labels: { child: 'open', reason: ['normal', 'shutdown', 'killed', 'error', 'sibling'] },
    from: [on('seed_agent.supervisor.restart', (_, { kind, reason }) => ({ labels: { child: kind, reason } }))],
  },
  seed_supervisor_escalations_total: {
    type: 'counter',
    help: 'Supervisors that gave up because of one child, by their id.',
    labels: { supervisor: 'open', cause: ['intensity', 'auto_shutdown'] },
    from: [on('seed_agent.supervisor.escalation', (_, { supervisor, cause }) => ({ labels: { supervisor, cause } }))],
  },
  seed_proposer_failures_total: {
    type: 'counter',
    help: 'Times that a proposer could not work: no credential, no program, a server that refuses.',
    labels: { proposer: 'open', failure: 'open' },
    from: [on('seed_agent.proposer.escalated', (_, { proposer, failure }) => ({ labels: { proposer, failure } }))],
  },
  seed_chat_completions_total: {
    type: 'counter',
    help: 'Chat completions, by who was asked and how they ended.',
    labels: { provider: 'open', outcome: CHAT_OUTCOMES },
    from: [on('seed_agent.chat.end', (_, { provider, outcome }) => ({ labels: { provider, outcome } }))],
  },
  seed_chat_tokens_total: {
    type: 'counter',
    help: 'Tokens of chat completions, as the models count them.',
    labels: { provider: 'open', direction: ['input', 'output'] },
    from: [
      on('seed_agent.chat.end', ({ input_tokens }, { provider }) => ({ value: input_tokens, labels: { provider, direction: 'input' } })),
      on('seed_agent.chat.end', ({ output_tokens }, { provider }) => ({ value: output_tokens, labels: { provider, direction: 'output' } })),
    ],
  },
  seed_http_requests_total: {
    type: 'counter',
    help: 'HTTP requests, by operation and status code.',
    labels: { operation: 'open', status: 'open' },
    from: [on('seed_agent.http.request', (_, { operation, status }) => ({ labels: { operation, status } }))],
  },
  seed_http_request_duration_seconds: {
    type: 'histogram',
    help: 'Until the head of the answer was ready.',
    labels: { operation: 'open' },
    buckets: CALL_BUCKETS,
    from: [
      on('seed_agent.http.request', ({ duration_us }, { operation }) => ({
        value: seconds(duration_us),
        labels: { operation },
      })),
    ],
  },
  seed_event_loop_lag_seconds: {
    type: 'gauge',
    help: 'How late timers of the node process fire: over the last 10 to 20 seconds, by statistic.',
    labels: { stat: ['p50', 'p99', 'max'] },
    from: [],
  },
  seed_log_records_dropped_total: {
    type: 'counter',
    help: 'Log lines that could not be written because nobody read them fast enough.',
    labels: {},
    from: [],
  },
  seed_telemetry_failures_total: {
    type: 'counter',
    help: 'Handlers of events and readers of metrics that threw.',
    labels: {},
    from: [on('seed_agent.telemetry.handler_failed', () => ({}))],
  },
} as const satisfies Record<string, MetricSpec>;

export type MetricName = keyof typeof METRICS;

/** The labels a metric must be given; closed lists are unions. */
export type Labels<N extends MetricName> = {
  [K in keyof (typeof METRICS)[N]['labels']]: (typeof METRICS)[N]['labels'][K] extends readonly (infer V)[] ? V : string;
};
