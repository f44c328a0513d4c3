// How every context defines its operations, and answers its lists.
import { SeedError } from '#lib/error.ts';
import { operationsWith, type ListBinding, type OperationContext, type PageInput } from '#operation/operation.ts';
import { pageQuery, paginate, type Page, type PageQuery } from '#operation/page.ts';
import type { NodePorts } from './ports.ts';

export const operation = operationsWith<NodePorts>();

/** How the operation that is being called lists. */
function listBinding({ ports, operation: name }: OperationContext<NodePorts>): ListBinding {
  const { list } = ports.registry.get(name);
  if (list === undefined) throw new SeedError('internal', `${name} does not list`);
  return list;
}

/** Filters, orders and cuts rows that are in memory as the caller asked. */
export function pageOf<Item extends object>(rows: readonly Item[], input: PageInput, context: OperationContext<NodePorts>): Page<Item> {
  return paginate(rows, input, listBinding(context));
}

/** What the caller asked for, for a store that narrows, orders and cuts by itself. */
export function queryOf(input: PageInput, context: OperationContext<NodePorts>): PageQuery {
  return pageQuery(input, listBinding(context));
}
