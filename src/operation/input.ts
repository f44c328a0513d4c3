// What a caller sent, as what a handler is given; or a refusal that names every wrong member.
import type { z } from 'zod';
import { SeedError } from '#lib/error.ts';
import { nearest } from '#lib/nearest.ts';
import type { Operation, PageInput } from './operation.ts';
import { pageQuery } from './page.ts';
import { schemasOf } from './schema.ts';
import { fromWire, wirePath, type Names, type UnknownMember } from './wire.ts';

/** One wrong member of an input: `details` of the error is a list of them. */
export interface InputIssue {
  /** In wire names, `filter.0`; empty for the input as a whole. */
  path: string;
  message: string;
}

/** @throws SeedError `invalid_input` */
export function parseInput<Ports>(operation: Operation<Ports>, raw: unknown, names: 'wire' | 'code'): Record<string, unknown> {
  const { input, inputNames } = schemasOf(operation);
  if (raw === null || typeof raw !== 'object' || Array.isArray(raw)) {
    throw refused(operation.name, [{ path: '', message: 'an object with the members of the input is expected' }]);
  }
  const unknown: UnknownMember[] = [];
  const value = names === 'wire' ? fromWire(inputNames, raw, unknown) : raw;
  const parsed = input.safeParse(value);
  if (!parsed.success || unknown.length > 0) {
    throw refused(operation.name, [
      ...unknown.map(unknownMember),
      ...(parsed.error?.issues ?? []).map((issue) => issueOf(issue, inputNames)),
    ]);
  }
  if (operation.list !== undefined) pageQuery(parsed.data as unknown as PageInput, operation.list);
  return parsed.data;
}

function refused(operation: string, issues: readonly InputIssue[]): SeedError {
  const [first] = issues;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  const message = first === undefined ? 'the input is refused' : `${first.path === '' ? '' : `${first.path}: `}${first.message}${more}`;
  return new SeedError('invalid_input', message, { details: issues.slice(0, 50), hint: `what it takes: seed help ${operation}` });
}

function unknownMember({ path, known }: UnknownMember): InputIssue {
  const name = path.slice(path.lastIndexOf('.') + 1);
  const close = nearest(name, known);
  return {
    path: path.slice(0, 200),
    message: close === undefined ? 'there is no such member' : `there is no such member; did you mean ${close}?`,
  };
}

function issueOf(issue: z.core.$ZodIssue, names: Names): InputIssue {
  const keys = issue.code === 'unrecognized_keys' ? `: ${issue.keys.slice(0, 5).join(', ')}` : '';
  const message = isMissing(issue) ? 'is missing' : issue.message;
  return { path: wirePath(names, issue.path), message: keys === '' ? message : `there is no such member${keys}` };
}

/** zod keeps no inputs with its issues: only the words say that there was none. */
function isMissing(issue: z.core.$ZodIssue): boolean {
  return issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
}
