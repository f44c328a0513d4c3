// The table of HTTP routes: in the order in which they are tried, and refused when one of them could never be reached.
import { SeedError } from '#lib/error.ts';
import type { HttpMethod, Operation } from './operation.ts';
import { snakeCase } from './wire.ts';

export interface Route<Ports = unknown> {
  method: HttpMethod;
  /** As defined, `:name` in code names. */
  path: string;
  operation: Operation<Ports>;
}

const SEGMENT = /^(?::[a-z][A-Za-z0-9]*|[A-Za-z0-9._~-]+)$/;

/**
 * Static segments before parameters.
 * @param reserved paths (GET and POST) that the surface keeps for itself.
 * @throws SeedError `configuration` for a path that can not be read, and for a route that another one hides completely.
 */
export function routesOf<Ports>(operations: readonly Operation<Ports>[], reserved: readonly string[] = []): readonly Route<Ports>[] {
  const routes: Route<Ports>[] = [];
  for (const operation of operations) {
    if (operation.http === null) continue;
    const { method, path } = operation.http;
    const segments = segmentsOf(path);
    if (!path.startsWith('/') || segments.some((segment) => !SEGMENT.test(segment))) {
      throw new SeedError('configuration', `the path ${path} of ${operation.name} can not be read`, {
        hint: 'segments are words or :names',
      });
    }
    const taken = reserved.find((other) => covers(other, path) || covers(path, other));
    if (taken !== undefined) throw hidden(`${method} ${path} of ${operation.name}`, taken);
    routes.push({ method, path, operation });
  }
  routes.sort((a, b) => order(a.path, b.path) || (a.method < b.method ? -1 : 1));
  routes.forEach((route, index) => {
    const before = routes.slice(0, index).find((other) => other.method === route.method && covers(other.path, route.path));
    if (before !== undefined)
      throw hidden(`${route.method} ${route.path} of ${route.operation.name}`, `${before.path} of ${before.operation.name}`);
  });
  return routes;
}

/** The members of the input that stand in a path, in code names. */
export function pathMembers(path: string): readonly string[] {
  return segmentsOf(path)
    .filter((segment) => segment.startsWith(':'))
    .map((segment) => segment.slice(1));
}

/** A path as callers know it: `:callId` → `{call_id}`. */
export function wireRoute(path: string): string {
  return path.replace(/:([A-Za-z0-9]+)/g, (_, name: string) => `{${snakeCase(name)}}`);
}

function segmentsOf(path: string): readonly string[] {
  return path.split('/').slice(1);
}

/** Whether every address that `b` matches is matched by `a` too. */
function covers(a: string, b: string): boolean {
  const [first, second] = [segmentsOf(a), segmentsOf(b)];
  return first.length === second.length && first.every((segment, index) => segment.startsWith(':') || segment === second[index]);
}

function order(a: string, b: string): number {
  const [first, second] = [segmentsOf(a), segmentsOf(b)];
  for (let index = 0; index < Math.min(first.length, second.length); index += 1) {
    const [left = '', right = ''] = [first[index], second[index]];
    const open = Number(left.startsWith(':')) - Number(right.startsWith(':'));
    if (open !== 0) return open;
    if (left !== right && !left.startsWith(':')) return left < right ? -1 : 1;
  }
  return first.length - second.length;
}

function hidden(route: string, by: string): SeedError {
  return new SeedError('configuration', `the route ${route} is hidden by ${by}`, { hint: 'give one of them another path' });
}
