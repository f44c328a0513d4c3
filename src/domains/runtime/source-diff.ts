// What is different between two folders of sources: line by line, as a patch that `git apply` and `patch -p1` take. Pure.
import { structuredPatch, type StructuredPatchHunk } from 'diff';
import { isProtectedPath, type SourceFiles } from '#kernel/compiler/artifact.ts';

export interface FileDiff {
  path: string;
  change: 'added' | 'removed' | 'changed';
  /** No proposer may change it. */
  protected: boolean;
  /** Lines. */
  added: number;
  removed: number;
  patch: string;
}

const CONTEXT_LINES = 3;
/** Lines that may differ: the work grows with their square. A file with more of them is shown as all removed and all added. */
const MAX_EDITS = 1_000;
const MAX_EDITS_IN_ALL = 2_000;
const NO_NEWLINE = '\\ No newline at end of file';

/** In the order of their paths; files that are the same are not in it. */
export function diffSources(before: SourceFiles, after: SourceFiles): readonly FileDiff[] {
  const paths = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted();
  let editsLeft = MAX_EDITS_IN_ALL;
  const diffs: FileDiff[] = [];
  for (const path of paths) {
    const old = textOf(before, path);
    const young = textOf(after, path);
    if (old === young) continue;
    const mostEdits = old === null || young === null ? 0 : Math.min(MAX_EDITS, editsLeft);
    const found = hunksOf(old ?? '', young ?? '', mostEdits);
    const hunks = found ?? [wholeFile(old ?? '', young ?? '')];
    const lines = hunks.flatMap((hunk) => hunk.lines);
    const added = lines.filter((line) => line.startsWith('+')).length;
    const removed = lines.filter((line) => line.startsWith('-')).length;
    editsLeft -= found === null ? mostEdits : added + removed;
    const change = old === null ? 'added' : young === null ? 'removed' : 'changed';
    diffs.push({ path, change, protected: isProtectedPath(path), added, removed, patch: patchOf(path, change, hunks) });
  }
  return diffs;
}

function textOf(files: SourceFiles, path: string): string | null {
  return Object.hasOwn(files, path) ? (files[path] ?? null) : null;
}

/** Null: too much differs. */
function hunksOf(old: string, young: string, maxEditLength: number): readonly StructuredPatchHunk[] | null {
  if (maxEditLength <= 0) return null;
  const patch = structuredPatch('', '', old, young, '', '', { context: CONTEXT_LINES, maxEditLength });
  return patch === undefined ? null : patch.hunks;
}

function wholeFile(old: string, young: string): StructuredPatchHunk {
  const [before, after] = [linesOf(old), linesOf(young)];
  const marked = (mark: string, text: string, lines: readonly string[]): string[] => [
    ...lines.map((line) => `${mark}${line}`),
    ...(text === '' || text.endsWith('\n') ? [] : [NO_NEWLINE]),
  ];
  return {
    oldStart: 1,
    oldLines: before.length,
    newStart: 1,
    newLines: after.length,
    lines: [...marked('-', old, before), ...marked('+', young, after)],
  };
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function patchOf(path: string, change: FileDiff['change'], hunks: readonly StructuredPatchHunk[]): string {
  // What `git apply` needs to make or remove an empty file, too.
  const mode = change === 'added' ? ['new file mode 100644'] : change === 'removed' ? ['deleted file mode 100644'] : [];
  const names = [`--- ${change === 'added' ? '/dev/null' : `a/${path}`}`, `+++ ${change === 'removed' ? '/dev/null' : `b/${path}`}`];
  const lines = [
    `diff --git a/${path} b/${path}`,
    ...mode,
    ...(hunks.some((hunk) => hunk.lines.length > 0) ? names : []),
    ...hunks.flatMap((hunk) => (hunk.lines.length === 0 ? [] : [rangeOf(hunk), ...hunk.lines])),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** Of no lines the line before them is named. */
function rangeOf({ oldStart, oldLines, newStart, newLines }: StructuredPatchHunk): string {
  const range = (start: number, lines: number): string => `${lines === 0 ? start - 1 : start},${lines}`;
  return `@@ -${range(oldStart, oldLines)} +${range(newStart, newLines)} @@`;
}
