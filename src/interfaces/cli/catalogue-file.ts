// The operations that this program knows (a generated file), and those that a node knows.
import { readFileSync } from 'node:fs';
import type { CatalogueEntry } from '#operation/catalogue-entry.ts';
import type { Page } from './answer.ts';
import { remoteFailure } from './failure.ts';
import type { HttpClient } from './http-client.ts';

/** Written by the generation of files; a test keeps it equal to the definitions. */
export function readCatalogue(path: string | URL): readonly CatalogueEntry[] {
  return JSON.parse(readFileSync(path, 'utf8')) as readonly CatalogueEntry[];
}

/** The file's text: one entry a line, so that a change shows as what it is. */
export function catalogueText(entries: readonly CatalogueEntry[]): string {
  return `[\n${entries.map((entry) => JSON.stringify(entry)).join(',\n')}\n]\n`;
}

/** All pages. @throws SeedError as the node answers, or `unavailable` */
export async function fetchCatalogue(client: HttpClient, signal: AbortSignal): Promise<readonly CatalogueEntry[]> {
  const entries: CatalogueEntry[] = [];
  for (let page = 1; ; page += 1) {
    const response = await client.send(
      { method: 'GET', path: `/api/operations?limit=100&page=${page}`, headers: { accept: 'application/json' } },
      signal,
    );
    const text = await response.text();
    if (response.status !== 200) throw remoteFailure(response.status, text, response.header('retry-after'));
    const { data, page_info } = JSON.parse(text) as { data: readonly CatalogueEntry[]; page_info: Page['page_info'] };
    entries.push(...data);
    if (page_info['has_next'] !== true) return entries;
  }
}
