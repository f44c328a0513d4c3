// All routes of a node as one Hono app. Routers can not change once they have matched: when operations come or go, the app
// is made again.
import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { SeedError, toSeedError } from '#lib/error.ts';
import type { Authenticator } from '#operation/authenticator.ts';
import type { Gate } from '#operation/gate.ts';
import { openApi } from '#operation/openapi.ts';
import { allows } from '#operation/principal.ts';
import type { Registry } from '#operation/registry.ts';
import { routesOf } from '#operation/routes.ts';
import { createAdmission } from './admission.ts';
import { dataHeaders, failure, JSON_TYPE } from './answer.ts';
import type { SessionCookie } from './cookie.ts';
import { createFailedAttempts } from './failed-attempts.ts';
import type { Guard } from './guard.ts';
import { htmlPage } from './html.ts';
import { operationRoute, type NodeContext } from './operation-route.ts';
import type { Page } from './page.ts';
import { requestIdOf } from './request-id.ts';
import { addSignInRoutes, SIGN_IN_PATHS } from './sign-in-routes.ts';
import { unknownRoute } from './unknown-route.ts';

/** What a node must have before it answers. */
export interface NodeDoor<Ports> {
  registry: Registry<Ports>;
  gate: Gate<Ports>;
  authenticator: Authenticator;
  /** The first one is where `/` and signing in lead to. */
  pages?: readonly Page[];
}

export interface AppOptions<Ports> extends NodeDoor<Ports> {
  version: string;
  guard: Guard;
  cookie: SessionCookie;
  maxBodyBytes: number;
  heartbeatMs: number;
  closing: AbortSignal;
  nowMs: () => number;
}

export type NodeApp = Hono<{ Bindings: HttpBindings }>;

/** @throws SeedError `configuration` when a route could never be reached. */
export function createApp<Ports>(options: AppOptions<Ports>): NodeApp {
  const { registry, gate, authenticator, guard, cookie, nowMs, pages = [] } = options;
  const failedAttempts = createFailedAttempts();
  const admission = createAdmission({ authenticator, cookie, guard, failedAttempts });
  const landing = pages[0]?.path ?? '/openapi.json';
  const reserved = ['/', '/openapi.json', ...SIGN_IN_PATHS, ...pages.map(({ path }) => path)];
  const routes = routesOf(registry.list(), reserved);
  const app: NodeApp = new Hono();

  addSignInRoutes(app, { authenticator, cookie, guard, failedAttempts, landing, nowMs });
  app.get('/', () => new Response(null, { status: 302, headers: { location: landing, 'cache-control': 'no-store' } }));
  app.get('/openapi.json', async (c) => {
    const requestId = requestIdOf(c.env.incoming);
    try {
      const principal = await admission.admit(c.env.incoming);
      if (!allows(principal, 'operations', 'read')) throw new SeedError('forbidden', `${principal.id} may not see /openapi.json`);
      return new Response(JSON.stringify(openApi(registry.list(), { version: options.version })), {
        headers: dataHeaders(requestId, JSON_TYPE),
      });
    } catch (error) {
      return failure(error, requestId);
    }
  });
  for (const page of pages) app.get(page.path, (c) => showPage(c, page));
  for (const route of routes) app.on(route.method, route.path, operationRoute(route, { ...options, admission }));
  app.notFound(async (c) => {
    const { incoming } = c.env;
    const requestId = requestIdOf(incoming);
    try {
      await admission.admit(incoming);
      return unknownRoute(incoming, { routes, reserved, requestId });
    } catch (error) {
      return failure(error, requestId);
    }
  });
  app.onError((error, c) => failure(error, requestIdOf(c.env.incoming)));
  return app;

  async function showPage(c: NodeContext, page: Page): Promise<Response> {
    const { incoming } = c.env;
    const requestId = requestIdOf(incoming);
    try {
      const principal = await admission.admit(incoming);
      const { resource, action } = page.permission;
      if (!allows(principal, resource, action)) throw new SeedError('forbidden', `${principal.id} may not see ${page.path}`);
      const call = (name: string, input = {}): Promise<unknown> => gate.call(registry.get(name), { principal, input, requestId });
      const query = new URL(c.req.url).searchParams;
      const document = await page.render({ principal, query, requestId, nowMs: nowMs(), call });
      return await htmlPage({ ...document, signedIn: true });
    } catch (error) {
      const { code } = toSeedError(error);
      if (code === 'unauthenticated' && (incoming.headers.accept ?? '').includes('text/html')) {
        return new Response(null, { status: 303, headers: { location: '/sign-in', 'cache-control': 'no-store' } });
      }
      return failure(error, requestId);
    }
  }
}
