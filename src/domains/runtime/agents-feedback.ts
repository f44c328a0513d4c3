// agents:feedback — what a person says of one recorded call: evidence for a better version.
import { z } from 'zod';
import { operation } from '../operation.ts';
import { agentName } from './agent-name.ts';

const verdict = z.enum(['good', 'bad']);

/** One person's verdict on one call. */
export const feedbackItem = z.object({
  by: z.string().describe('who said it, as kind/id'),
  verdict,
  expected: z.unknown().describe('what it should have answered, without what the contract marks as secret; null when nobody said'),
  note: z.string(),
  at: z.string(),
});

export const feedback = operation({
  name: 'agents:feedback',
  summary: 'say whether a recorded call was answered well',
  description:
    'One verdict for each person and call: the next one takes its place. It is evidence for the next version, shown with the call, and the call is kept with it for ninety days.',
  kind: 'write',
  idempotent: true,
  dryRun: true,
  permission: { resource: 'agents', action: 'invoke' },
  input: z.object({
    agent: agentName,
    call: z.uuid().describe('id of the call'),
    verdict,
    expected: z
      .unknown()
      .optional()
      .describe('what it should have answered: JSON that fits the output of its contract, of a stream the list of chunks'),
    note: z.string().max(2_000).default('').describe('for whoever writes the next version'),
  }),
  output: feedbackItem.extend({ agent: z.string(), callId: z.string(), version: z.int().describe('that answered'), applied: z.boolean() }),
  http: { method: 'POST', path: '/api/agents/:agent/feedback' },
  cli: {
    flagAliases: { id: 'agent' },
    short: { agent: 'i', verdict: 'v', expected: 'e', note: 'n' },
    positionals: ['agent', 'call', 'verdict'],
  },
  examples: [
    { summary: 'it was right', input: { agent: 'packer', call: '01936f8e-7a4c-7d3e-9f2a-3b1c5d7e9f01', verdict: 'good' } },
    {
      summary: 'what it should have been',
      input: {
        agent: 'packer',
        call: '01936f8e-7a4c-7d3e-9f2a-3b1c5d7e9f01',
        verdict: 'bad',
        expected: { bin: 3, opened: false },
        note: 'bin 3 had room',
      },
    },
  ],
  handler: () => import('./feedback.ts').then((m) => m.feedback),
});
