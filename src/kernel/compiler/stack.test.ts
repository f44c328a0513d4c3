import { expect, test } from 'vitest';
import { mapStack, sourcePosition } from './stack.ts';

// Line 2 of the script, columns 0 and 8, are agent.ts:1:1 and lib/half.ts:5:3; line 3 is agent.ts:2:1.
const MAP = JSON.stringify({
  version: 3,
  sources: ['agent.ts', 'lib/half.ts', 'seed-agent/agent'],
  names: [],
  mappings: ';AAAA,QCIE;ADHF',
});

test('a position of the script is one of the source', () => {
  expect(sourcePosition(MAP, { line: 2, column: 1 })).toEqual({ file: 'agent.ts', line: 1, column: 1 });
  expect(sourcePosition(MAP, { line: 2, column: 9 })).toEqual({ file: 'lib/half.ts', line: 5, column: 3 });
  expect(sourcePosition(MAP, { line: 3, column: 1 })).toEqual({ file: 'agent.ts', line: 2, column: 1 });
  expect(sourcePosition(MAP, { line: 1, column: 1 })).toBeNull();
});

test('a trace keeps its message and loses the frames of the runtime', () => {
  const stack = [
    'RangeError: two lines',
    'of (message) at agent.js:2:1',
    '    at half (agent.js:2:9)',
    '    at agent.js:2:1',
    '    at async Promise.all (index 0)',
    '    at Array.map (<anonymous>)',
    '    at async Object.handle (agent.js:3:1)',
    '    at start (seed:guest:2:1)',
    '    at node:internal/process:3:1',
    '    at main (<isolated-vm>:2:1)',
    '    at helper (agent.js:1:1)',
  ].join('\n');
  const mapped = [
    'RangeError: two lines',
    'of (message) at agent.js:2:1',
    '    at half (lib/half.ts:5:3)',
    '    at agent.ts:1:1',
    '    at async Object.handle (agent.ts:2:1)',
  ];
  expect(mapStack(stack, MAP)).toBe(mapped.join('\n'));
  expect(mapStack(stack, MAP, { script: 'other.js' })).toBe(mapped.slice(0, 2).join('\n'));
});
