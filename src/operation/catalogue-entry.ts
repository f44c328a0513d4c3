// One operation as the command line, the documentation and a client see it. Every name inside is one of the wire.
import type { Flag } from './flag.ts';
import type { HttpMethod, LaidOutText, OperationKind } from './operation.ts';
import type { JsonSchema } from './schema.ts';

export interface CatalogueEntry {
  /** `domain:action`, or `a:b:c`. */
  name: string;
  /** Other names that mean the same. */
  aliases?: readonly string[];
  summary: string;
  description?: string;
  kind: OperationKind;
  /** `resource:action`. */
  permission: string;
  /** Neither method nor path where it is not reachable over HTTP. */
  method?: HttpMethod;
  /** With `:member` for what stands in the path. */
  path?: string;
  /** The answer is the output itself, without an envelope. */
  raw?: boolean;
  stream?: boolean;
  /** The answer may come as events while it is made. */
  events?: boolean;
  /** Errors and streams are spelled as OpenAI's clients read them; the members `stream` and `stream_options` ask for a stream. */
  dialect?: 'openai';
  /** Answers a dry run with its plan. */
  plan?: boolean;
  /** Takes an idempotency key. */
  keyed?: boolean;
  /** Of a list: what it can be filtered and ordered by, with the type of each. */
  fields?: Readonly<Record<string, string>>;
  /** flag → letter, where a command names letters; includes those of global flags. */
  short?: Readonly<Record<string, string>>;
  /** Columns of the table. */
  columns?: readonly string[];
  /** How people see a stream. */
  live?: 'line' | 'log';
  /** Of a check: the member of the answer that says whether all is well. */
  verdict?: string;
  /** Members of the answer that people are shown instead of it, the first one that is there. */
  texts?: readonly LaidOutText[];
  /** Whose stream `--follow` shows after the answer: its members, and those of the answer that fill them. */
  watch?: { operation: string; input: Readonly<Record<string, string>> };
  flags: readonly Flag[];
  examples: readonly { summary: string; input: Readonly<Record<string, unknown>> }[];
  /** JSON Schema (2020-12) of the whole input, with page, limit, filter, search, sort and order where it lists. */
  input: JsonSchema;
}
