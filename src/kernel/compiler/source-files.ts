// What may be compiled at all: names that can not leave their folder, sizes that can not hurt. Checked before any parser sees a byte.
import { SeedError } from '#lib/error.ts';
import type { SourceFiles } from './artifact.ts';

const MAX_SOURCE_BYTES = 1_048_576;
const MAX_FOLDER_BYTES = 4_194_304;
const MAX_FILES = 200;

const SEGMENT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const MAX_SEGMENTS = 8;

/**
 * @throws SeedError `invalid_input` for a name that is not safe or a file that is missing, `payload_too_large` over the caps
 */
export function checkSourceFiles(files: SourceFiles, required: readonly string[] = []): void {
  const paths = Object.keys(files);
  if (paths.length > MAX_FILES) {
    throw new SeedError('payload_too_large', `the folder has ${paths.length} files, at most ${MAX_FILES} are taken`);
  }
  let folderBytes = 0;
  for (const path of paths) {
    checkPath(path);
    const text: unknown = files[path];
    if (typeof text !== 'string') throw new SeedError('invalid_input', `${path} is not text`);
    const sizeBytes = Buffer.byteLength(text);
    if (sizeBytes > MAX_SOURCE_BYTES) {
      throw new SeedError('payload_too_large', `${path} has ${sizeBytes} bytes, at most ${MAX_SOURCE_BYTES} are taken`);
    }
    folderBytes += sizeBytes;
  }
  checkClashes(paths);
  if (folderBytes > MAX_FOLDER_BYTES) {
    throw new SeedError('payload_too_large', `the folder has ${folderBytes} bytes, at most ${MAX_FOLDER_BYTES} are taken`);
  }
  const missing = required.find((path) => files[path] === undefined);
  if (missing !== undefined)
    throw new SeedError('invalid_input', `there is no ${missing}`, { hint: `the folder has ${paths.slice(0, 10).join(', ')}` });
}

/** What could not lie beside each other in a folder: two names that differ by case only, a file that is a folder too. */
function checkClashes(paths: readonly string[]): void {
  const taken = new Map<string, string>();
  for (const path of paths) {
    const parts = path.toLowerCase().split('/');
    const places = parts.map((_, index) => parts.slice(0, index + 1).join('/'));
    for (const place of places) {
      const other = taken.get(place);
      const isFile = place.length === path.length;
      if (other !== undefined && (isFile || other.length === place.length)) {
        throw new SeedError('invalid_input', `${JSON.stringify(path)} and ${JSON.stringify(other)} can not both be in one folder`, {
          hint: 'give one of them another name; upper and lower case do not tell names apart everywhere',
        });
      }
    }
    for (const place of places) taken.set(place, path);
  }
}

function checkPath(path: string): void {
  const segments = path.split('/');
  const safe = segments.length <= MAX_SEGMENTS && segments.every((segment) => SEGMENT.test(segment) && !segment.includes('..'));
  if (safe) return;
  throw new SeedError('invalid_input', `${JSON.stringify(path.slice(0, 120))} is not a name a file can have here`, {
    hint: `at most ${MAX_SEGMENTS} parts of letters, digits, ".", "_" and "-", each starting with a letter or digit`,
  });
}
