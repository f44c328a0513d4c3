// A path without detours: `..` taken out, and symbolic links followed as far as there is anything to follow.
import { realpathSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';

/** A relative path is only tidied: what it is relative to is not known here. */
export function realPath(path: string): string {
  const tidy = normalize(path);
  if (!tidy.startsWith('/')) return tidy;
  let known = tidy;
  let rest = '';
  for (;;) {
    try {
      return join(realpathSync(known), rest);
    } catch {
      // It is not there yet: its folder may be.
      if (known === '/') return tidy;
      rest = join(basename(known), rest);
      known = dirname(known);
    }
  }
}
