// What an attempt has left in its folder, as a candidate: only what may evolve, and nothing that could not be compiled anyway. Pure.
import { isProtectedPath } from '#kernel/compiler/artifact.ts';
import type { ChangedFiles } from '../../events.ts';
import type { Change } from '../../lineage/workspace.ts';

export type CandidateFiles = { ok: true; files: ChangedFiles } | { ok: false; reason: string };

/** Words, which may be changed and are not taken. */
const NOTES: ReadonlySet<string> = new Set(['EVALUATION.md', 'README.md']);

/** @param base the files that it started from */
export function candidateFiles(changes: readonly Change[], base: Readonly<Record<string, string>>): CandidateFiles {
  const files: Record<string, string> = {};
  const problems: string[] = [];
  for (const change of changes) {
    const { path } = change;
    if (NOTES.has(path)) continue;
    if (isProtectedPath(path)) problems.push(`${path} is protected`);
    else if ('problem' in change) problems.push(`${path}: ${change.problem}`);
    else if (!/^(?:[\w-]+\/)*[\w-]+\.ts$/.test(path)) problems.push(`${path} is no TypeScript file of the agent`);
    else if (base[path] !== change.text) files[path] = change.text;
  }
  if (problems.length > 0) return { ok: false, reason: problems.slice(0, 10).join('; ') };
  if (Object.keys(files).length === 0) return { ok: false, reason: 'nothing was changed' };
  return { ok: true, files };
}
