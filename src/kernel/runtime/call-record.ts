// What is written down of a call: everything needed to run it again, without its secrets.
import type { SeedError } from '#lib/error.ts';
import type { CallOutcome } from '../sandbox/call.ts';
import type { CallRecord } from './call-log.ts';
import type { Invocation } from './invocation.ts';
import { REDACTED } from './redaction.ts';
import type { ServedVersion } from './served-version.ts';

export function callRecord(
  version: ServedVersion,
  call: {
    invocation: Invocation;
    outcome: CallOutcome | null;
    error: SeedError | null;
    durationMs: number;
    principal: { kind: string; id: string };
  },
): CallRecord {
  const { invocation, outcome, error, durationMs, principal } = call;
  const { redactInput, redactOutput } = version.checks(invocation.exportName);
  const streamed = outcome?.ok === true && outcome.streamed;
  // Of a long stream that a reader had nothing was kept.
  const outputJson = outcome?.ok === true && outcome.outputJson !== '' ? outcome.outputJson : null;
  const redacted = redactInput !== null || redactOutput !== null;
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
    journal: redacted ? null : (outcome?.journal ?? null),
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

/** The contract describes one chunk. */
function ofChunks(redact: ((value: unknown) => unknown) | null): ((value: unknown) => unknown) | null {
  return redact === null ? null : (chunks) => (chunks as readonly unknown[]).map(redact);
}

/** Most contracts mark nothing as secret: then the text stays as it is. */
function without(redact: ((value: unknown) => unknown) | null, json: string): string {
  return redact === null ? json : JSON.stringify(redact(JSON.parse(json)));
}
