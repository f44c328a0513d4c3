// Reads everything on this disk again and says what is not what was written; repairs it from the durable copy when asked to.
import { isSeedError } from '#lib/error.ts';
import { artifactProblem } from './artifact-files.ts';
import type { VersionRecord } from './artifact-store.ts';
import type { StoreParts } from './store-parts.ts';
import { collectable, type Retention } from './retention.ts';

export interface VerifyRequest extends Retention {
  /** Default: all. */
  agents?: readonly string[];
  /** Put back from the durable copy what is damaged, and what retention says should be here. Default false. */
  repair?: boolean;
}

/** Something that was not what was written. */
export interface Finding {
  agent: string;
  /** `v3` or `active`. */
  what: string;
  hash: string | null;
  problem: string;
  repaired: boolean;
}

export interface Verification {
  /** Versions whose files were read. */
  checked: number;
  findings: Finding[];
}

/** Without the durable copy the records on this disk say what should be here, and nothing can be repaired. */
export async function verifyStore(parts: StoreParts, request: VerifyRequest): Promise<Verification> {
  const { durable, files } = parts;
  const agents = request.agents ?? (await durable.agents().catch((error: unknown) => whenAway(error, files.agents())));
  const found: Verification = { checked: 0, findings: [] };
  for (const agent of agents) {
    const records = await durable.list(agent).catch((error: unknown) => whenAway(error, files.list(agent)));
    await verifyAgent(parts, { agent, records, request, found });
  }
  return found;
}

async function verifyAgent(
  parts: StoreParts,
  { agent, records, request, found }: { agent: string; records: readonly VersionRecord[]; request: VerifyRequest; found: Verification },
): Promise<void> {
  const { objects, files, turns, nowMs } = parts;
  const repair = request.repair === true;
  await turns.take(`agent ${agent}`, async () => {
    const [cached, pointer, before] = await Promise.all([objects.list(), files.readActive(agent), files.readBefore(agent)]);
    const live = [pointer, before].flatMap((read) => (read.state === 'whole' ? [read.value.hash, read.value.previous ?? ''] : []));
    const old = new Set(collectable(records, { ...request, held: new Set(live), nowMs: nowMs() }).map(({ hash }) => hash));
    for (const record of records) {
      if (old.has(record.hash) && !cached.has(record.hash)) continue;
      const finding = await turns.take(`object ${record.hash}`, () => verifyVersion(parts, record, repair));
      found.checked += 1;
      if (finding !== null) found.findings.push(finding);
    }
    if (pointer.state === 'whole' || (pointer.state === 'missing' && before.state === 'missing')) return;
    const repaired = repair && before.state === 'whole' && (await succeeds(files.writeActive(before.value, null)));
    found.findings.push({ agent, what: 'active', hash: null, problem: `the pointer is ${pointer.state}`, repaired });
  });
}

async function verifyVersion(parts: StoreParts, record: VersionRecord, repair: boolean): Promise<Finding | null> {
  const { objects, files, keys, durable } = parts;
  const { agent, number, hash } = record;
  const finding = (problem: string, repaired: boolean): Finding => ({ agent, what: `v${number}`, hash, problem, repaired });
  const read = await objects.read(hash, keys);
  if (read.state !== 'whole') {
    const problem = read.state === 'missing' ? 'it is missing' : read.problem;
    if (!repair) return finding(problem, false);
    const copy = await durable.get(agent, hash).catch((error: unknown) => whenAway(error, Promise.resolve(null)));
    if (copy === null) return finding(`${problem}, and there is no durable copy`, false);
    const wrong = artifactProblem(copy, keys);
    if (wrong !== null) return finding(`${problem}; in the durable copy ${wrong}`, false);
    return finding(problem, (await succeeds(objects.write(copy))) && (await succeeds(files.write(record))));
  }
  const line = await files.read(agent, number);
  if (line.state === 'whole' && line.value.hash === hash) return null;
  return finding(
    `its record is ${line.state === 'whole' ? 'of another version' : line.state}`,
    repair && (await succeeds(files.write(record))),
  );
}

/** Whether the disk took it. */
async function succeeds(writing: Promise<void>): Promise<boolean> {
  try {
    await writing;
    return true;
  } catch (error) {
    if (isSeedError(error)) return false;
    throw error;
  }
}

/** What to go on with when the durable copy can not be reached; any other error is thrown. */
function whenAway<T>(error: unknown, instead: Promise<T>): Promise<T> {
  if (isSeedError(error) && error.status === 503) return instead;
  throw error;
}
