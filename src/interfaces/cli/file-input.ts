// Values that come from a file, from standard input or from a whole folder. The node never sees the path.
import { createReadStream } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { buffer as readBytes, text as readText } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { SeedError } from '#lib/error.ts';

export const UPLOAD_LIMITS = { files: 200, fileBytes: 1024 * 1024, totalBytes: 4 * 1024 * 1024 } as const;

const SKIPPED = new Set(['node_modules']);

/** `@path` is the content of that file, `-` is standard input, `@@x` is the text `@x`; anything else is itself. */
export async function textFrom(value: string, said: string, stdin: Readable): Promise<string> {
  if (value === '-') {
    if ((stdin as { isTTY?: boolean }).isTTY === true)
      throw refusal(`${said} - reads standard input, and that is a terminal`, `pipe it in, or give a file: ${said} @file`);
    return await readText(stdin);
  }
  if (value.startsWith('@@')) return value.slice(1);
  if (!value.startsWith('@') || value === '@') return value;
  return await readUpload(value.slice(1), `${said} ${value}`, `for a text that begins with @, write @@: ${said} @${value}`);
}

/** The text of one file, at most 1 MB of UTF-8. */
export async function readUpload(path: string, said: string, hint = 'give the path of a file'): Promise<string> {
  const info = await stat(path).catch((cause: unknown) => unreadable(path, said, { cause, hint }));
  if (info.isDirectory()) throw refusal(`${said}: ${path} is a folder`, 'give the path of a file');
  if (info.size > UPLOAD_LIMITS.fileBytes) throw tooLarge(`${path} has ${info.size} bytes, at most ${UPLOAD_LIMITS.fileBytes} can be sent`);
  const bytes = await readBounded(path).catch((cause: unknown) => unreadable(path, said, { cause, hint }));
  if (bytes.length > UPLOAD_LIMITS.fileBytes) throw tooLarge(`${path} has more than ${UPLOAD_LIMITS.fileBytes} bytes`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new SeedError('bad_request', `${path} is not text in UTF-8`, { cause, hint: 'only text can be sent' });
  }
}

/** One byte more than may be sent, at most: a device or a pipe has no size that could be looked at first. */
async function readBounded(path: string): Promise<Buffer> {
  return readBytes(createReadStream(path, { end: UPLOAD_LIMITS.fileBytes }));
}

/**
 * A folder as `{path: text}`, with `/` between the parts; a single file as `{name: text}`. Names that begin with a dot and
 * node_modules stay out, sockets, pipes and devices too, and so does whatever a link outside the folder points at: that is refused.
 */
export async function readFolder(path: string, said: string): Promise<Record<string, string>> {
  const root = await realpath(path).catch((cause: unknown) => unreadable(path, said, { cause, hint: 'give the path of a folder' }));
  if (!(await lstat(root)).isDirectory()) return { [basename(path)]: await readUpload(root, said) };
  const files: Record<string, string> = {};
  let totalBytes = 0;
  for (const file of await filesBelow(root, root, said)) {
    const text = await readUpload(file, said);
    totalBytes += Buffer.byteLength(text);
    if (totalBytes > UPLOAD_LIMITS.totalBytes) throw tooLarge(`${path} has more than ${UPLOAD_LIMITS.totalBytes} bytes of text`);
    files[relative(root, file).split(sep).join('/')] = text;
  }
  if (Object.keys(files).length === 0) throw refusal(`${said}: there is no file in ${path}`, 'give the folder with the sources');
  return files;
}

async function filesBelow(folder: string, root: string, said: string, found: string[] = []): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.startsWith('.') || SKIPPED.has(entry.name)) continue;
    const path = join(folder, entry.name);
    const target = entry.isSymbolicLink() ? await realpath(path).catch((cause: unknown) => unreadable(path, said, { cause })) : path;
    if (target !== root && !target.startsWith(root + sep))
      throw refusal(`${said}: ${path} is a link out of the folder`, 'copy the file into the folder');
    const info = await stat(path);
    // A linked folder inside the folder is there under its own name already (and could be its own parent).
    if (info.isDirectory() && !entry.isSymbolicLink()) await filesBelow(path, root, said, found);
    else if (info.isFile()) found.push(path);
    if (found.length > UPLOAD_LIMITS.files) throw tooLarge(`${root} has more than ${UPLOAD_LIMITS.files} files`);
  }
  return found;
}

function unreadable(path: string, said: string, { cause, hint }: { cause: unknown; hint?: string }): never {
  const code = (cause as NodeJS.ErrnoException).code;
  const reason =
    code === 'ENOENT' ? 'does not exist' : code === 'EACCES' ? 'can not be read: permission denied' : `can not be read: ${String(code)}`;
  throw new SeedError('bad_request', `${said}: ${path} ${reason}`, { cause, ...(hint === undefined ? {} : { hint }) });
}

function refusal(message: string, hint: string): SeedError {
  return new SeedError('bad_request', message, { hint });
}

function tooLarge(message: string): SeedError {
  return new SeedError('payload_too_large', message, { hint: 'send only the sources' });
}
