// Names of agents, versions and everything else that becomes part of a path.
import { SeedError } from './error.ts';

export const NAME_PATTERN = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/** What is wrong with it, for whoever wrote it. */
export function notAName(name: unknown): string {
  return `${JSON.stringify(String(name).slice(0, 80))} is not a name: lower-case letters, digits, "_" and "-", at most 64, the first a letter or digit`;
}

/** @throws SeedError `invalid_input` when the name could leave its folder or be misread. */
export function checkName(name: string, what: string): string {
  if (NAME_PATTERN.test(name)) return name;
  throw new SeedError('invalid_input', `${what} ${JSON.stringify(name.slice(0, 80))} is not a valid name`, {
    hint: 'lower-case letters, digits, "_" and "-", at most 64, starting with a letter or digit',
  });
}
