// Codex's home for one run as somebody else: a copy of what its user has set up there. A sign-in that it renews meanwhile is taken back:
// the one before is worth nothing from then on.
import { closeSync, constants, fstatSync, openSync, readFileSync, realpathSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunPlace } from './run-place.ts';

const SIGN_IN = 'auth.json';
const SETTINGS = 'config.toml';
const MAX_BYTES = 65_536;

export interface BorrowedHome {
  /** CODEX_HOME of this run. */
  home: string;
  giveBack: () => void;
}

export function borrowedHome(place: RunPlace, { home, withSignIn }: { home: string; withSignIn: boolean }): BorrowedHome {
  const its = place.home?.HOME ?? home;
  const copies = (withSignIn ? [SETTINGS, SIGN_IN] : [SETTINGS]).map((name) => {
    const text = read(join(home, name), 0);
    return { name, text, path: text === null ? null : place.file(name, text, { folder: its }) };
  });
  const signIn = copies.find(({ name }) => name === SIGN_IN);
  return {
    home: its,
    giveBack: () => {
      if (signIn === undefined || signIn.path === null) return;
      const text = read(signIn.path, constants.O_NOFOLLOW);
      if (text !== null && text !== signIn.text && isSignIn(text)) replace(join(home, SIGN_IN), text);
    },
  };
}

/** Null: it is not there, or not what it should be: whoever ran there may have left anything under this name. */
function read(file: string, flags: number): string | null {
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | flags);
  } catch {
    return null;
  }
  try {
    const found = fstatSync(fd);
    return found.isFile() && found.size <= MAX_BYTES ? readFileSync(fd, 'utf8') : null;
  } finally {
    closeSync(fd);
  }
}

function isSignIn(text: string): boolean {
  try {
    const value = JSON.parse(text) as { tokens?: unknown } | null;
    return typeof value?.tokens === 'object' && value.tokens !== null;
  } catch {
    return false;
  }
}

/** Whole or not at all, and as readable as it was. Where it is mounted read-only, Codex itself could not have kept it either. */
function replace(linked: string, text: string): void {
  const file = realpathSync(linked);
  const { mode } = statSync(file);
  try {
    writeFileSync(`${file}.new`, text, { mode: mode & 0o777 });
    renameSync(`${file}.new`, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EROFS') throw error;
  }
}
