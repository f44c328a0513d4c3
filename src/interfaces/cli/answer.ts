// An answer as text: a table for people, JSON and YAML for programs, ids alone for pipes.
import type { CatalogueEntry } from '#operation/catalogue-entry.ts';
import type { Format } from './globals.ts';
import { isRecord, renderRecord, renderTable, type Layout } from './table.ts';
import { printable, printableLines } from './text-width.ts';

export interface Page {
  items: readonly unknown[];
  page_info: Readonly<Record<string, unknown>>;
}

/** The data of an answer: what JSON and YAML show. Lists are `{items, page_info}`. */
export function dataOf(entry: CatalogueEntry, body: unknown): unknown {
  if (entry.raw === true || !isRecord(body)) return body;
  if (entry.fields !== undefined && Array.isArray(body['data'])) return { items: body['data'], page_info: body['page_info'] ?? {} };
  const isEnvelope = 'data' in body && Object.keys(body).length === 1;
  return isEnvelope ? body['data'] : body;
}

export async function renderAnswer(
  data: unknown,
  { entry, format, layout }: { entry: CatalogueEntry; format: Format; layout: Layout },
): Promise<string> {
  if (data === undefined) return '';
  switch (format) {
    case 'json':
      return `${JSON.stringify(data, null, 2)}\n`;
    case 'yaml':
      return await yaml(data);
    case 'table':
      if (isPage(data)) return data.items.length === 0 ? '' : renderTable(data.items, entry.columns, layout);
      return typeof data === 'string' ? withNewline(layout.width === undefined ? data : printableLines(data)) : renderRecord(data, layout);
  }
}

/** Ids, one a line; nothing where there is nothing that could be asked for again. */
export function renderQuiet(data: unknown): string {
  const items = isPage(data) ? data.items : [data];
  return items
    .map(idOf)
    .filter((id) => id !== undefined)
    .map((id) => `${printable(id)}\n`)
    .join('');
}

/** What is said beside the data: that there is nothing, or more. */
export function remarkOn(data: unknown): string | undefined {
  if (!isPage(data)) return undefined;
  const { page, pages, total } = data.page_info;
  if (data.items.length === 0) return Number(total) > 0 ? `nothing on page ${String(page)}; the last one is ${String(pages)}` : 'none';
  return Number(pages) > 1
    ? `page ${String(page)} of ${String(pages)}, ${String(total)} in all; --page and --limit show others`
    : undefined;
}

/** One item of a stream in a form that takes exactly one line (JSON) or one document (YAML). */
export async function renderItem(item: unknown, format: 'json' | 'yaml'): Promise<string> {
  return format === 'json' ? `${JSON.stringify(item)}\n` : `---\n${await yaml(item)}`;
}

function isPage(data: unknown): data is Page {
  return isRecord(data) && Array.isArray(data['items']) && isRecord(data['page_info']);
}

/** The first member that names a thing. */
function idOf(item: unknown): string | undefined {
  if (!isRecord(item)) return undefined;
  const members = Object.keys(item);
  const name = ['id', 'name', 'key', ...members.filter((member) => /_(?:id|name)$/.test(member)), 'version'].find((member) =>
    isText(item[member]),
  );
  return name === undefined ? undefined : String(item[name]);
}

function isText(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number';
}

async function yaml(data: unknown): Promise<string> {
  const { stringify } = await import('yaml');
  return stringify(data, { lineWidth: 0 });
}

function withNewline(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}
