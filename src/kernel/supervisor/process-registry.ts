// A record on disk of every long-lived child process, so that the next life can end what an earlier one left running.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { identifyProcess, isSameProcessAlive, type ProcessIdentity } from '#lib/process-identity.ts';

export interface ProcessRegistryOptions {
  /** Made when it is not there. One file a process. */
  folder: string;
  /** A record could not be written (a full disk): the process runs on, only unrecorded. */
  onError: (error: unknown) => void;
}

export interface OrphanProcess {
  pid: number;
  label: string;
}

interface ProcessRecord {
  label: string;
  process: ProcessIdentity;
  /** An orphan is one whose parent is gone; another node's children on the same folder are none. */
  parent: ProcessIdentity;
}

const GONE_WITHIN_MS = 5000;

/** Does nothing where the system has no /proc: without a start time no process number can be trusted. */
export class ProcessRegistry {
  readonly #options: ProcessRegistryOptions;

  constructor(options: ProcessRegistryOptions) {
    this.#options = options;
  }

  /** `parentPid`: default this process. @returns removes the record again. */
  record(pid: number, options: { label: string; parentPid?: number }): () => void {
    const { label, parentPid = process.pid } = options;
    const self = identifyProcess(pid);
    const parent = identifyProcess(parentPid);
    if (self === null || parent === null) return () => {};
    const file = join(this.#options.folder, `${pid}-${self.startTicks}.json`);
    try {
      const record: ProcessRecord = { label, process: self, parent };
      mkdirSync(this.#options.folder, { recursive: true });
      writeFileSync(`${file}.new`, JSON.stringify(record));
      renameSync(`${file}.new`, file);
    } catch (error) {
      this.#options.onError(error);
    }
    return () => this.#remove(file);
  }

  /**
   * Kills what is recorded, still runs, and has lost its parent; forgets what is gone. Settles when the killed are gone too.
   * @returns the killed.
   */
  async sweep(): Promise<readonly OrphanProcess[]> {
    const orphans: ProcessRecord[] = [];
    for (const name of this.#files()) {
      const file = join(this.#options.folder, name);
      const record = readRecord(file);
      const alive = record !== null && isSameProcessAlive(record.process);
      if (alive && isSameProcessAlive(record.parent)) continue;
      if (alive) {
        kill(record.process.pid);
        orphans.push(record);
      }
      this.#remove(file);
    }
    const deadlineMs = performance.now() + GONE_WITHIN_MS;
    while (orphans.some((orphan) => isSameProcessAlive(orphan.process)) && performance.now() < deadlineMs) await sleep(5);
    return orphans.map(({ label, process: { pid } }) => ({ pid, label }));
  }

  #files(): readonly string[] {
    try {
      return readdirSync(this.#options.folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#options.onError(error);
      return [];
    }
  }

  #remove(file: string): void {
    try {
      rmSync(file, { force: true });
    } catch (error) {
      this.#options.onError(error);
    }
  }
}

/** Null for what is no whole record: it was cut off while it was written, so its process had just begun and died with its parent's pipe. */
function readRecord(file: string): ProcessRecord | null {
  try {
    const record = JSON.parse(readFileSync(file, 'utf8')) as Partial<ProcessRecord> | null;
    return isIdentity(record?.process) && isIdentity(record?.parent) ? (record as ProcessRecord) : null;
  } catch {
    return null;
  }
}

function isIdentity(value: Partial<ProcessIdentity> | undefined): boolean {
  return (
    Number.isSafeInteger(value?.pid) &&
    (value?.pid ?? 0) > 1 &&
    Number.isSafeInteger(value?.startTicks) &&
    typeof value?.bootId === 'string'
  );
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone since it was looked at.
  }
}
