// The name of an agent, as operations take it.
import { z } from 'zod';
import { NAME_PATTERN, notAName } from '#lib/name.ts';

export const agentName = z
  .string()
  .regex(NAME_PATTERN, { error: ({ input }) => notAName(input) })
  .describe('name of the agent');
