// The second listener: what a probe or a scraper on a private network asks for, and nothing else.
import { Hono } from 'hono';
import { SeedError } from '#lib/error.ts';
import { SCRAPER, STRANGER } from '#operation/principal.ts';
import { routesOf } from '#operation/routes.ts';
import type { Admission } from './admission.ts';
import { failure } from './answer.ts';
import type { NodeApp, NodeDoor } from './app.ts';
import { operationRoute, type OperationRouteOptions } from './operation-route.ts';
import { requestIdOf } from './request-id.ts';

const PATHS = new Set(['/health/deep', '/metrics']);

/** Nobody shows who they are here: that the port can be reached at all is the permission to scrape. */
const ANYONE: Admission = { admit: () => SCRAPER, admitAnyone: () => STRANGER };

export function createProbeApp<Ports>(
  { registry, gate }: NodeDoor<Ports>,
  settings: Omit<OperationRouteOptions<Ports>, 'gate' | 'admission'>,
): NodeApp {
  const app: NodeApp = new Hono();
  for (const route of routesOf(registry.list())) {
    if (route.method === 'GET' && PATHS.has(route.path))
      app.get(route.path, operationRoute(route, { ...settings, gate, admission: ANYONE }));
  }
  app.notFound((c) => {
    const error = new SeedError('not_found', 'this port has /health, /health/deep and /metrics only');
    return failure(error, requestIdOf(c.env.incoming));
  });
  return app;
}
