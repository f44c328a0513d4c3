// The queue of a single node: subscribers take turns.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Queue } from '../queue.ts';

type Wake = (id: string) => void;

export function inProcessQueue({ onError }: { onError: (error: unknown) => void }): Queue {
  const subscribers = new Map<string, Wake[]>();
  let closed = false;

  const deliver = (queue: string, id: string): void => {
    const [next, ...others] = subscribers.get(queue) ?? [];
    if (closed || next === undefined) return;
    subscribers.set(queue, [...others, next]);
    try {
      next(id);
    } catch (error) {
      onError(error);
    }
  };

  return {
    notify: (queue, id) => {
      // Even an empty queue costs the caller nothing, and a subscriber never runs inside the caller's transaction.
      if (!closed) setImmediate(deliver, queue, id);
    },
    subscribe: (queue, wake) => {
      const own = AsyncLocalStorage.bind((id: string) => wake(id));
      subscribers.set(queue, [...(subscribers.get(queue) ?? []), own]);
      return () => {
        const rest = (subscribers.get(queue) ?? []).filter((subscriber) => subscriber !== own);
        if (rest.length > 0) subscribers.set(queue, rest);
        else subscribers.delete(queue);
      };
    },
    close: async () => {
      closed = true;
      subscribers.clear();
    },
  };
}
