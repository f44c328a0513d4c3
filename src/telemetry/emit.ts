// Where events go: whoever is attached is told, in order, at once. Nobody attached: an event costs a lookup.
import type { EventName, Measurements, Metadata } from './events.ts';

/** One event as a handler sees it. */
export type TelemetryEvent = { [N in EventName]: { name: N; measurements: Measurements<N>; metadata: Metadata<N> } }[EventName];

export type Handler = (event: TelemetryEvent) => void;

const handlers = new Map<string, Handler>();

/**
 * Tells everybody attached that something happened. Never throws and never waits: a handler that throws is detached, and
 * that is an event of its own.
 */
export function emit<N extends EventName>(name: N, measurements: Measurements<N>, metadata: Metadata<N>): void {
  if (handlers.size === 0) return;
  const event = { name, measurements, metadata } as TelemetryEvent;
  for (const [handlerName, handler] of handlers) {
    try {
      handler(event);
    } catch (error) {
      handlers.delete(handlerName);
      const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      emit('seed_agent.telemetry.handler_failed', {}, { handler: handlerName, event: name, reason });
    }
  }
}

/**
 * Attaches a handler to every event of this process; returns what detaches it. A handler does little and does not wait.
 * @param name unique; a second handler of that name is a mistake and throws
 */
export function attach(name: string, handler: Handler): () => void {
  if (handlers.has(name)) throw new TypeError(`a telemetry handler named ${JSON.stringify(name)} is attached already`);
  handlers.set(name, handler);
  return () => {
    if (handlers.get(name) === handler) handlers.delete(name);
  };
}
