// Text that the node has laid out, in the colours of this terminal; in a file or a pipe to the byte.
import type { CatalogueEntry } from '#operation/catalogue-entry.ts';
import type { LaidOutText } from '#operation/operation.ts';
import { isRecord } from './table.ts';
import { paint, widthOf, type TerminalOutput } from './terminal.ts';
import { cut, printable } from './text-width.ts';

type Style = 'bold' | 'cyan' | 'dim' | 'green' | 'red';

/** What people are shown of this answer instead of all of it; undefined: nothing is laid out. */
export function textOf({ texts }: CatalogueEntry, data: unknown): { text: string; as: LaidOutText['as'] } | undefined {
  if (texts === undefined || !isRecord(data)) return undefined;
  return texts.flatMap(({ member, as }) => (typeof data[member] === 'string' ? [{ text: data[member], as }] : []))[0];
}

/** @param stream the terminal it goes to; undefined for a file */
export function layOut({ text, as }: { text: string; as: LaidOutText['as'] }, stream: TerminalOutput | undefined): string {
  const width = stream === undefined ? undefined : widthOf(stream);
  if (stream === undefined || width === undefined || text === '') return text;
  const lines = text.replace(/\n$/, '').split('\n');
  return lines
    .map((line, index) => {
      const shown = printable(line.replaceAll('\t', '  '));
      const style = as === 'diff' ? diffStyle(line) : as === 'drawing' ? drawingStyle(line, index) : null;
      const fitting = as === 'drawing' ? cut(shown, width) : shown;
      return `${style === null ? fitting : paint(stream, style, fitting)}\n`;
    })
    .join('');
}

function diffStyle(line: string): Style | null {
  if (/^(?:diff --git |--- (?:a\/|\/dev\/null)|\+\+\+ (?:b\/|\/dev\/null)|new file mode|deleted file mode)/.test(line)) return 'bold';
  if (line.startsWith('@@')) return 'cyan';
  return line.startsWith('+') ? 'green' : line.startsWith('-') ? 'red' : null;
}

/** Its first line is its heading; a dot stands for what is live, a cross for what came to nothing. */
function drawingStyle(line: string, index: number): Style | null {
  if (index === 0) return 'bold';
  const [sign] = /[●×]/.exec(line) ?? [];
  return sign === '●' ? 'green' : sign === '×' ? 'dim' : null;
}
