// Reads everything again, on this disk and in the durable copy, and says what is not what was written; repairs each from the
// other when asked to. What is put in place of something damaged has been checked against hash and signature itself.
import { isSeedError, SeedError } from '#lib/error.ts';
import { artifactProblem } from './artifact-files.ts';
import type { SignedArtifact, VersionRecord } from './artifact-store.ts';
import { collectable, type Retention } from './retention.ts';
import type { Unsealed } from './sealed.ts';
import type { StoreParts } from './store-parts.ts';
import type { ActivePointer } from './version-files.ts';

export interface VerifyRequest extends Retention {
  /** Default: all. */
  agents?: readonly string[];
  /** Put back what is damaged, and on the disk what retention says should be here. Default false. */
  repair?: boolean;
}

/** Something that was not what was written. */
export interface Finding {
  agent: string;
  /** `v3` or `active`. */
  what: string;
  where: 'disk' | 'durable';
  hash: string | null;
  problem: string;
  repaired: boolean;
}

export interface Verification {
  /** Versions that were read. */
  checked: number;
  /** The durable copy answered, so that it was checked too. */
  durable: boolean;
  findings: Finding[];
}

/** A version wherever it is kept: whole, not there, or what is wrong with it. */
type Copy = { state: 'whole'; signed: SignedArtifact } | { state: 'missing' } | { state: 'damaged'; problem: string } | { state: 'away' };

/** Without the durable copy the records on this disk say what should be here, and nothing can be repaired. */
export async function verifyStore(parts: StoreParts, request: VerifyRequest): Promise<Verification> {
  const { durable, files } = parts;
  const found: Verification = { checked: 0, durable: true, findings: [] };
  const whenAway = <T>(error: unknown, instead: Promise<T>): Promise<T> => {
    if (!isAway(error)) throw error;
    found.durable = false;
    return instead;
  };
  const agents = request.agents ?? (await durable.agents().catch((error: unknown) => whenAway(error, files.agents())));
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
      const needed = !old.has(record.hash) || cached.has(record.hash);
      const findings = await turns.take(`object ${record.hash}`, () => verifyVersion(parts, record, { repair, needed }));
      found.checked += 1;
      found.findings.push(...findings);
    }
    const problem = pointerProblem(pointer, before);
    if (problem === null) return;
    const repaired = repair && (await succeeds(repairPointer(files, pointer, before)));
    found.findings.push({ agent, what: 'active', where: 'disk', hash: null, problem, repaired });
  });
}

type ReadPointer = Unsealed<ActivePointer>;

function pointerProblem(pointer: ReadPointer, before: ReadPointer): string | null {
  if (pointer.state === 'whole') {
    const isMissing = before.state === 'missing' && pointer.value.previous !== null;
    return before.state === 'damaged' || isMissing ? `the pointer before it is ${before.state}` : null;
  }
  return pointer.state === 'missing' && before.state === 'missing' ? null : `the pointer is ${pointer.state}`;
}

/** Each from what the other says. @throws SeedError `artifact_corrupt` when neither says anything */
async function repairPointer(files: StoreParts['files'], pointer: ReadPointer, before: ReadPointer): Promise<void> {
  if (pointer.state === 'whole') {
    const { agent, previous, activatedAt } = pointer.value;
    return files.writeActive(pointer.value, previous === null ? null : { agent, hash: previous, previous: null, activatedAt });
  }
  if (before.state !== 'whole') throw new SeedError('artifact_corrupt', 'neither pointer is what was written');
  await files.writeActive(before.value, null);
}

/** `needed`: whether this disk should have it. */
async function verifyVersion(
  parts: StoreParts,
  record: VersionRecord,
  { repair, needed }: { repair: boolean; needed: boolean },
): Promise<Finding[]> {
  const { objects, files, durable } = parts;
  const { agent, number, hash } = record;
  const [onDisk, kept] = await Promise.all([diskCopy(parts, record), durableCopy(parts, record)]);
  const findings: Finding[] = [];
  const finding = (where: Finding['where'], problem: string, repaired: boolean): void => {
    findings.push({ agent, what: `v${number}`, where, hash, problem, repaired });
  };
  if (kept.state === 'damaged' || kept.state === 'missing') {
    const repaired = repair && kept.state === 'damaged' && onDisk.state === 'whole';
    if (repaired) await durable.repair(onDisk.signed);
    finding('durable', kept.state === 'damaged' ? kept.problem : 'it is missing', repaired);
  }
  if (!needed) return findings;
  if (onDisk.state !== 'whole') {
    const problem = onDisk.state === 'damaged' ? onDisk.problem : 'it is missing';
    const repaired =
      repair && kept.state === 'whole' && (await succeeds(objects.write(kept.signed))) && (await succeeds(files.write(record)));
    finding('disk', kept.state === 'away' && repair ? `${problem}, and the durable copy can not be reached` : problem, repaired);
    return findings;
  }
  const line = await files.read(agent, number);
  if (line.state === 'whole' && line.value.hash === hash && line.value.agent === agent) return findings;
  const problem = `its record is ${line.state === 'whole' ? 'of another version' : line.state}`;
  finding('disk', problem, repair && (await succeeds(files.write(record))));
  return findings;
}

async function diskCopy({ objects, keys }: StoreParts, { agent, hash }: VersionRecord): Promise<Copy> {
  const read = await objects.read(hash, keys);
  return read.state === 'whole' ? copyFor(agent, read.signed) : read;
}

/** A signature vouches for a version of the agent its manifest names, and of no other. */
function copyFor(agent: string, signed: SignedArtifact): Copy {
  const owner = signed.artifact.manifest.agent;
  return owner === agent ? { state: 'whole', signed } : { state: 'damaged', problem: `it is a version of ${owner}` };
}

async function durableCopy({ durable, keys }: StoreParts, { agent, hash }: VersionRecord): Promise<Copy> {
  try {
    const signed = await durable.get(agent, hash);
    if (signed === null) return { state: 'missing' };
    const problem = artifactProblem(signed, keys);
    return problem === null ? copyFor(agent, signed) : { state: 'damaged', problem };
  } catch (error) {
    if (isAway(error)) return { state: 'away' };
    if (isSeedError(error) && error.code === 'artifact_corrupt') return { state: 'damaged', problem: error.message };
    throw error;
  }
}

function isAway(error: unknown): boolean {
  return isSeedError(error) && error.status === 503;
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
