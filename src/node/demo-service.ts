// The demo: the packer betters itself while orders come in.
import { DemoOrders, startDemo as enqueueDemo } from '#domains/evolution/demo.ts';
import type { Service } from '#kernel/supervisor/service-child.ts';
import type { Parts } from './parts.ts';
import { reportTo } from './report-error.ts';
import type { DemoState } from './screen.ts';

export async function startDemo(parts: Parts): Promise<Service> {
  const { config, screen } = parts.ground;
  const improvements = parts.get('improvements');
  const runtime = parts.get('runtime');
  if (!config.demo.enabled || runtime.find('packer') === undefined) return { close: () => undefined };
  const id = await enqueueDemo(improvements);
  if (id === null) return { close: () => undefined };
  const orders = new DemoOrders({
    runtime,
    improvements,
    random: Math.random,
    nowMs: Date.now,
    onError: reportTo(parts, 'demo.order.failed'),
  });
  const stop = new AbortController();
  const ended = (async () => {
    for await (const events of improvements.follow(id, stop.signal)) {
      for (const event of events) screen.improvement(event, Date.now());
      if (events.some((event) => event.type === 'improvement_ended')) break;
    }
    await orders.close();
    if (!stop.signal.aborted)
      screen.note(`the demo has ended after ${orders.sent} ${orders.sent === 1 ? 'order' : 'orders'}; see: bin/seed code:list packer`);
  })();
  return {
    exited: ended,
    close: async () => {
      stop.abort();
      await orders.close();
      await ended;
    },
  };
}

/** What the first screen says of it. */
export async function demoState(parts: Parts): Promise<DemoState> {
  if (!parts.ground.config.demo.enabled) return 'off';
  if (parts.get('runtime').find('packer') === undefined) return 'no_agent';
  return (await parts.get('improvements').demo())?.ended === true ? 'shown' : 'runs';
}
