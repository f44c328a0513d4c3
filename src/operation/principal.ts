// Who asks: carried by every context, event and owner column.

export type PrincipalKind = 'user' | 'token' | 'agent' | 'module' | 'node';

export interface Principal {
  kind: PrincipalKind;
  /** Stable within its kind: a user id, a token's name, an agent's name, a node id. */
  id: string;
  roles: readonly string[];
  /** `resource:action` with `*` for either part; `*` alone is everything. */
  scopes: readonly string[];
}

/** The node itself: start-up work, sweeps, automatic rollbacks. */
export function nodePrincipal(nodeId: string): Principal {
  return { kind: 'node', id: nodeId, roles: ['system'], scopes: ['*'] };
}

/** Somebody who showed nothing: may only call what is public. */
export const STRANGER: Principal = { kind: 'user', id: 'stranger', roles: [], scopes: [] };

/** A scraper: may read /metrics and nothing else. */
export const SCRAPER: Principal = { kind: 'token', id: 'metrics', roles: [], scopes: ['metrics:read'] };

/** Whether one of the principal's scopes covers `resource:action`. */
export function allows(principal: Principal, resource: string, action: string): boolean {
  return principal.scopes.some((scope) => {
    if (scope === '*') return true;
    const [scopeResource, scopeAction] = scope.split(':');
    return (scopeResource === '*' || scopeResource === resource) && (scopeAction === '*' || scopeAction === action);
  });
}
