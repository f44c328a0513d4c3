// What the operations about operations need.
import type { Operation } from '#operation/operation.ts';

export interface DevPorts {
  registry: { list(): readonly Operation<never>[] };
  /** Only in the process of the command line; a node has none of this. */
  local?: LocalPorts;
}

export interface LocalPorts {
  /** Of the program. */
  version: string;
  /** The text of `seed help`. @throws SeedError `not_found` for a command that nobody knows. */
  help(words: readonly string[], options: { all: boolean }): Promise<string>;
  /** Shows the node until the user leaves; only where there may be a terminal. @throws SeedError `bad_request` when there is none */
  observe?(options: { everyMs: number }): Promise<string>;
}
