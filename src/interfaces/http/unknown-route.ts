// A path that no operation has, or not with this method: what was probably meant.
import type { IncomingMessage } from 'node:http';
import { SeedError } from '#lib/error.ts';
import { nearest } from '#lib/nearest.ts';
import { wireRoute, type Route } from '#operation/routes.ts';
import { dataHeaders, failure } from './answer.ts';

export interface UnknownRouteOptions<Ports> {
  routes: readonly Route<Ports>[];
  /** Paths of pages. */
  reserved: readonly string[];
  requestId: string;
}

export function unknownRoute<Ports>(incoming: IncomingMessage, { routes, reserved, requestId }: UnknownRouteOptions<Ports>): Response {
  const path = (incoming.url ?? '/').replace(/\?.*$/s, '');
  const methods = routes.filter((route) => filled(route.path, path) === path).map(({ method }) => method as string);
  if (reserved.some((other) => filled(other, path) === path)) methods.push('GET', ...(path.startsWith('/sign-') ? ['POST'] : []));
  const allow = [...new Set([...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'])].join(', ');
  if (methods.length === 0) {
    const close = nearest(path, new Set(routes.map((route) => filled(route.path, path))));
    const known = routes.find((route) => filled(route.path, path) === close);
    const hint = known === undefined ? '/openapi.json lists all routes' : `did you mean ${known.method} ${wireRoute(known.path)}?`;
    return failure(new SeedError('not_found', `there is nothing at ${path.slice(0, 200)}`, { hint }), requestId);
  }
  if (incoming.method === 'OPTIONS') {
    const { 'content-type': _, ...headers } = dataHeaders(requestId, '');
    return new Response(null, { status: 204, headers: { ...headers, allow } });
  }
  return failure(
    new SeedError('method_not_allowed', `${path.slice(0, 200)} does not take ${incoming.method ?? ''}`, { hint: `it takes ${allow}` }),
    requestId,
    {
      allow,
    },
  );
}

/** A route's path with the segments of `path` for its parameters, as far as they go: equal to it when the route matches. */
function filled(route: string, path: string): string {
  const given = path.split('/');
  return route
    .split('/')
    .map((segment, index) => (segment.startsWith(':') && given[index] !== undefined && given[index] !== '' ? given[index] : segment))
    .join('/');
}
