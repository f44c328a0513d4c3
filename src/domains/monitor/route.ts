// The table of routes, as it is now: modules bring and take theirs.
import type { OperationContext, PageInput } from '#operation/operation.ts';
import { pageOf } from '../operation.ts';
import type { NodePorts } from '../ports.ts';

export function routes(input: PageInput, context: OperationContext<NodePorts>) {
  const rows = context.ports.registry.list().flatMap((operation) => {
    if (operation.http === null) return [];
    const { method, path } = operation.http;
    return [
      {
        method,
        path,
        operation: operation.name,
        kind: operation.kind,
        public: operation.http.public === true,
        stream: operation.stream === true,
      },
    ];
  });
  return pageOf(rows, input, context);
}
