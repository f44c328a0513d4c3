// What is written down of a call: everything needed to run it again, without its secrets.
import type { SeedError } from '#lib/error.ts';
import { callExport } from '../compiler/contract.ts';
import type { CallOutcome } from '../sandbox/call.ts';
import type { Journal } from '../sandbox/journal.ts';
import type { CallRecord } from './call-log.ts';
import type { Invocation } from './invocation.ts';
import { REDACTED } from './redaction.ts';
import type { ServedVersion } from './served-version.ts';

export function callRecord(
  version: ServedVersion,
  call: {
    invocation: Pick<Invocation, 'callId' | 'exportName' | 'inputJson' | 'key' | 'timeMs'>;
    outcome: CallOutcome | null;
    /** Default: the outcome's. */
    journal?: Journal;
    error: SeedError | null;
    durationMs: number;
    principal: { kind: string; id: string };
    /** What an agent's calls are answered by. */
    live: (agent: string) => ServedVersion | null;
  },
): CallRecord {
  const { invocation, outcome, error, durationMs, principal } = call;
  const { redactInput, redactOutput } = version.checks(invocation.exportName);
  const streamed = outcome?.ok === true && outcome.streamed;
  // Of a long stream that a reader had nothing was kept.
  const outputJson = outcome?.ok === true && outcome.outputJson !== '' ? outcome.outputJson : null;
  // Most are never looked at.
  const journal = (): Journal | null => call.journal ?? outcome?.journal ?? null;
  const marked = redactInput !== null || redactOutput !== null;
  const redacted = marked || (version.contract.grants?.call !== undefined && toldSecrets(journal(), call.live));
  const stack = (error?.details as { stack?: string } | undefined)?.stack;
  return {
    id: invocation.callId,
    agent: version.agent,
    key: invocation.key,
    exportName: invocation.exportName,
    version: version.number,
    hash: version.hash,
    inputJson: without(redactInput, invocation.inputJson),
    // What an agent asked for and was told may repeat a secret in any place: it is not kept at all.
    journal: redacted ? null : journal(),
    outputJson: outputJson === null ? null : without(streamed ? ofChunks(redactOutput) : redactOutput, outputJson),
    streamed,
    // So may the message of what its code threw.
    error:
      error === null
        ? null
        : redacted
          ? { code: error.code, message: REDACTED }
          : { code: error.code, message: error.message, ...(stack === undefined ? {} : { stack }) },
    logs: redacted ? [] : (outcome?.logs ?? []),
    principalKind: principal.kind,
    principalId: principal.id,
    startedAtMs: invocation.timeMs,
    durationUs: durationMs * 1000,
    cpuUs: outcome?.stats.cpuUs ?? 0,
    redacted,
    truncated: outcome?.ok === true && outputJson === null,
  };
}

/** Whether it called an agent whose contract marks something as secret: then its own journal holds what that one's record leaves out. */
function toldSecrets(journal: Journal | null, live: (agent: string) => ServedVersion | null): boolean {
  return (journal?.entries ?? []).some((entry) => {
    if (!('name' in entry) || entry.name !== 'call' || !Array.isArray(entry.args)) return false;
    const [agent, , options] = entry.args as [unknown, unknown, { export?: unknown } | null | undefined];
    const version = typeof agent === 'string' ? live(agent) : null;
    const exportName = typeof options?.export === 'string' ? options.export : 'handle';
    if (version === null || callExport(version.contract, exportName) === undefined) return false;
    const { redactInput, redactOutput } = version.checks(exportName);
    return redactInput !== null || redactOutput !== null;
  });
}

/** The contract describes one chunk. */
function ofChunks(redact: ((value: unknown) => unknown) | null): ((value: unknown) => unknown) | null {
  return redact === null ? null : (chunks) => (chunks as readonly unknown[]).map(redact);
}

/** Most contracts mark nothing as secret: then the text stays as it is. */
function without(redact: ((value: unknown) => unknown) | null, json: string): string {
  return redact === null ? json : JSON.stringify(redact(JSON.parse(json)));
}
