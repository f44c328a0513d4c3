// Calls one after the other until it is told to stop: what a fault elsewhere must not touch.
import type { SeedProcess } from './seed-process.ts';

export interface TrafficOptions {
  agent: string;
  input: unknown;
  key?: string;
  /** Between two calls: traffic, not a flood. Default 0. */
  restMs?: number;
}

export interface TrafficEnd {
  /** 0: no answer came. */
  statuses: readonly number[];
  /** How many got 200. */
  acknowledged: number;
}

export interface Traffic {
  /** Calls that got 200 so far. */
  acknowledged: () => number;
  stop: () => Promise<TrafficEnd>;
}

export function traffic(seed: SeedProcess, { agent, input, key, restMs = 0 }: TrafficOptions): Traffic {
  let going = true;
  const statuses: number[] = [];
  const acknowledged = (): number => statuses.filter((status) => status === 200).length;
  const done = (async () => {
    while (going) {
      const body = { input, ...(key === undefined ? {} : { key }) };
      const answer = await seed.api('POST', `/api/agents/${agent}/invoke`, body).catch(() => null);
      statuses.push(answer?.status ?? 0);
      await new Promise((resolve) => setTimeout(resolve, restMs));
    }
  })();
  return {
    acknowledged,
    stop: async () => {
      going = false;
      await done;
      return { statuses, acknowledged: acknowledged() };
    },
  };
}
