// Online bin packing: items arrive one at a time, each must go into a bin at once and stays there.
import { contract, z } from 'seed-agent/agent';

export default contract({
  name: 'packer',
  summary: 'Online bin packing: puts each item into an open bin or a fresh one, with as few bins as possible.',
  exports: {
    handle: {
      kind: 'call',
      input: z.object({
        item: z.int().min(1).max(1_000_000).describe('Size of the item; at most the capacity.'),
        capacity: z.int().min(1).max(1_000_000).describe('Size of every bin of this instance; the first item fixes it.'),
      }),
      output: z.object({
        bin: z.int().min(0).describe('Index of the bin, counted from 0 in the order in which bins are opened.'),
        opened: z.boolean().describe('Whether the bin was opened for this item.'),
      }),
    },
    priority: {
      kind: 'evolvable',
      summary: 'How much the item wants into a bin with this free space; it goes where the number is highest.',
      parameters: {
        item: { min: 1, max: 150, integer: true },
        residual: { min: 1, max: 150, integer: true },
        capacity: { min: 100, max: 150, integer: true },
      },
    },
  },
  examples: [{ input: { item: 30, capacity: 100 }, output: { bin: 0, opened: true } }],
  capabilities: ['state', 'log'],
  limits: { cpuMs: 50, deadlineMs: 1_000, memoryMb: 32 },
  objective: { name: 'excess', unit: '%', direction: 'minimize' },
  improvement: { approval: 'rule' },
});
