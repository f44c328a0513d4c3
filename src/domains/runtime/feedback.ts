// Handler of agents:feedback.
import type { CallRecord } from '#kernel/runtime/call-log.ts';
import { ServedVersion } from '#kernel/runtime/served-version.ts';
import { SeedError, toSeedError } from '#lib/error.ts';
import type { OperationContext } from '#operation/operation.ts';
import type { NodePorts } from '../ports.ts';
import { putFeedback, type Verdict } from './feedback-store.ts';
import { shownFeedback } from './feedback-view.ts';
import { recordOf } from './recorded-call.ts';

type Context = OperationContext<NodePorts>;

/** As much as is kept of a recorded call. */
const MAX_EXPECTED = 65_536;

interface FeedbackInput {
  agent: string;
  call: string;
  verdict: Verdict;
  expected?: unknown;
  note: string;
}

export async function feedback(input: FeedbackInput, context: Context) {
  const { ports, principal, dryRun, nowMs } = context;
  const record = await recordOf(input, context);
  const { agent, hash, id: callId, version } = record;
  const by = { kind: principal.kind, id: principal.id };
  const { verdict, expected, note } = input;
  // A text can hold no NUL in the database.
  if (note.includes('\0'))
    throw new SeedError('invalid_input', 'note: it holds a NUL', { details: [{ path: 'note', message: 'holds a NUL' }] });
  const expectedJson = expected === undefined ? null : await checked(expected, { record, ports });
  const said = { by, verdict, expectedJson, note };
  const kept = dryRun || (await putFeedback(ports.database, { callId, agent, hash, ...said }));
  if (!kept) throw new SeedError('not_found', `the record of the call ${callId} of ${agent} has just been removed: it was too old`);
  return { ...shownFeedback({ ...said, at: new Date(nowMs) }), agent, callId, version, applied: !dryRun };
}

/** By the contract of the version that answered. @returns what is kept: JSON, without its secrets. @throws SeedError `invalid_input` */
async function checked(expected: unknown, { record, ports }: { record: CallRecord; ports: NodePorts }): Promise<string> {
  const { artifact, number } = await ports.codeStore.load(record.agent, record.hash);
  const version = new ServedVersion(artifact, { number, syncPath: false });
  const { output, redactOutput } = version.checks(record.exportName);
  if (record.streamed && !Array.isArray(expected)) throw unfit('it streams: expected must be the list of its chunks', '');
  const answers: readonly unknown[] = record.streamed ? (expected as unknown[]) : [expected];
  const kept = answers.map((answer, index) => {
    try {
      const value = output(JSON.stringify(answer));
      return redactOutput === null ? value : redactOutput(value);
    } catch (thrown) {
      const { message, details } = toSeedError(thrown);
      throw unfit(message.replace(/^the output/, 'expected'), record.streamed ? `[${index}]` : '', details);
    }
  });
  const json = JSON.stringify(record.streamed ? kept : kept[0]);
  if (json.length <= MAX_EXPECTED) return json;
  throw new SeedError('payload_too_large', `expected has ${json.length} characters of JSON, at most ${MAX_EXPECTED} are kept`);
}

function unfit(message: string, at: string, problems?: unknown): SeedError {
  const listed = Array.isArray(problems) ? (problems as { path: string; message: string }[]) : [{ path: '', message }];
  const details = listed.map((problem) => ({ path: `expected${at}${join(problem.path)}`, message: problem.message }));
  return new SeedError('invalid_input', message, { details, hint: 'it must be what the contract of that version lets it answer' });
}

function join(path: string): string {
  return path === '' || path.startsWith('[') ? path : `.${path}`;
}
