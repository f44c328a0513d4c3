// A pause of all improvements, as operations show it.
import { z } from 'zod';
import type { Pause } from './pause-store.ts';

export const pauseView = z.object({
  reason: z.string(),
  by: z.string().describe('who paused them, as kind/id'),
  at: z.string(),
});

export function shownPause(pause: Pause | null): z.output<typeof pauseView> | null {
  return pause === null ? null : { reason: pause.reason, by: `${pause.by.kind}/${pause.by.id}`, at: pause.at.toISOString() };
}
