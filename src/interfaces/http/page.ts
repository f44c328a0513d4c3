// A page for people: rendered on the server for somebody who is signed in.
import type { Principal } from '#operation/principal.ts';
import type { DocumentOptions } from './html.ts';

export interface PageContext {
  principal: Principal;
  query: URLSearchParams;
  requestId: string;
  nowMs: number;
  /** An operation, with the rights of whoever looks; input and output in code names. @throws SeedError */
  call(operation: string, input?: Readonly<Record<string, unknown>>): Promise<unknown>;
}

export interface Page {
  /** Without parameters. */
  path: string;
  permission: { resource: string; action: string };
  render(context: PageContext): Promise<DocumentOptions> | DocumentOptions;
}
