// Commits as `git fast-import` reads them: one process writes any number of them with their branches, all or none.
import type { SourceFiles } from '#kernel/compiler/artifact.ts';
import { message, type CandidateNote } from './trailers.ts';

/** Whose work a commit is, and when it was done. */
export interface Authorship {
  name: string;
  /** ms since the epoch */
  atMs: number;
}

/** A candidate as it is written down; what it was made from is said beside it. */
export interface CandidateRecord {
  /** For people: one line. */
  subject: string;
  /** For people: how it came about. */
  body: string;
  note: CandidateNote;
  files: SourceFiles;
  author: Authorship;
}

export interface Placed {
  /** Points to the commit afterwards. */
  branch: string;
  candidate: CandidateRecord;
  /** A commit, the index of another one in the same script that comes before it, or the agent's beginning. */
  parent: string | number | null;
}

/** A fixed moment, so that the beginning of an agent is the same commit everywhere. */
const BEGINNING: Authorship = { name: 'seed-agent', atMs: 0 };

/** References that hold the versions of an agent by their hash. */
export const ARTIFACT_REFS = 'refs/artifacts/';
/** References that hold the empty commit every lineage of an agent begins with. */
export const BEGINNING_REFS = 'refs/beginnings/';

/** Prints the commits, one a line, in the order given. The same candidates from the same parents are the same commits. */
export function importScript(placed: readonly Placed[]): Buffer {
  const agents = [...new Set(placed.map(({ candidate }) => candidate.note.agent))];
  const markOf = (index: number): string => `:${agents.length + index + 1}`;
  const parts: Buffer[] = [];
  const line = (text: string): void => void parts.push(Buffer.from(`${text}\n`));
  const data = (text: string): void => {
    const bytes = Buffer.from(text);
    line(`data ${bytes.length}`);
    parts.push(bytes);
    line('');
  };
  line('feature done');
  for (const [index, agent] of agents.entries()) {
    line(`commit ${BEGINNING_REFS}${agent}`);
    line(`mark :${index + 1}`);
    line(`author ${signature(BEGINNING)}`);
    line(`committer ${signature(BEGINNING)}`);
    data(`${agent}: the beginning\n`);
  }
  for (const [index, { branch, candidate, parent }] of placed.entries()) {
    const { note, author, files, subject, body } = candidate;
    const mark = markOf(index);
    line(`commit refs/heads/${branch}`);
    line(`mark ${mark}`);
    line(`author ${signature(author)}`);
    line(`committer ${signature({ ...BEGINNING, atMs: author.atMs })}`);
    data(message(subject, body, note));
    line(`from ${parent === null ? `:${agents.indexOf(note.agent) + 1}` : typeof parent === 'number' ? markOf(parent) : parent}`);
    line('deleteall');
    for (const [path, text] of Object.entries(files)) {
      line(`M 100644 inline ${quoted(path)}`);
      data(text);
    }
    const also = [
      ...(note.version === undefined ? [] : [`refs/tags/${note.agent}/v${note.version}`]),
      ...(note.hash === undefined ? [] : [`${ARTIFACT_REFS}${note.hash}`]),
    ];
    for (const reference of also) {
      line(`reset ${reference}`);
      line(`from ${mark}`);
      line('');
    }
    line(`get-mark ${mark}`);
  }
  line('done');
  return Buffer.concat(parts);
}

function signature({ name, atMs }: Authorship): string {
  const shown = name.replaceAll(/[<>\p{Cc}\s]+/gu, ' ').trim() || 'unknown';
  return `${shown} <${shown.replaceAll(/[^\w.-]+/g, '-')}@seed-agent.invalid> ${Math.floor(atMs / 1000)} +0000`;
}

function quoted(path: string): string {
  return `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}
