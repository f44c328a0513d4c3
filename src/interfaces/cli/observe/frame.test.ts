import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { textWidth } from '../text-width.ts';
import { frame, type FrameOptions } from './frame.ts';
import { snapshotOf } from './snapshot.ts';

const STATUS = {
  node: 'node-1',
  version: '1.2.3',
  uptime_seconds: 3_700,
  memory_bytes: 100 * 1_048_576,
  queue_depth: 3,
  tree: [
    { path: 'root', status: 'running', pid: 1, uptime_seconds: 3_700, restarts: 0, memory_mb: 70, last_exit: null },
    { path: 'root/node', status: 'running', pid: 2, uptime_seconds: 3_699, restarts: 2, memory_mb: 300, last_exit: 'signal SIGKILL' },
    ...Array.from({ length: 30 }, (_, index) => ({
      path: `root/node/agents/agent-${index}`,
      status: index === 3 ? 'restarting' : 'running',
      pid: null,
      uptime_seconds: index,
      restarts: 0,
      memory_mb: null,
      last_exit: null,
    })),
  ],
  hosts: [{ host: 'serving', pid: 12, isolates: 3, executing: 1, calls: 2, versions: 3, memory_mb: 59, lag_ms: 0.72 }],
  calls: [{ agent: 'packer', version: 4, per_second: 12.5, p95_ms: 3.21, error_rate: 0.01, in_flight: 1, waiting: 0 }],
};

const options = (over: Partial<FrameOptions> = {}): FrameOptions => ({
  width: 120,
  height: 60,
  chosen: 'root',
  message: '',
  paused: false,
  style: (_, text) => text,
  ...over,
});

test('shows the tree, the hosts, the calls, and what can be done', () => {
  const text = frame(snapshotOf(STATUS), options({ message: 'restart root/node? y or n' })).join('\n');
  expect(text).toMatch(/^node-1 {3}seed-agent 1\.2\.3 {3}up 1 h/);
  expect(text).toMatch(/^ {2}node +running +2 +1 h.* +2 +300 MB +signal SIGKILL *$/m);
  expect(text).toMatch(/^serving +12 +3 +1 +2 +3 +59 +0\.72$/m);
  expect(text).toMatch(/^packer +4 +12\.5 +3\.21 +0\.01 +1 +0$/m);
  expect(text).toContain('restart root/node? y or n');
  expect(text).toContain('q quit');
});

describe('in a small terminal', () => {
  test('the chosen child and the keys are always to be seen', () => {
    for (const index of [0, 15, 29]) {
      const chosen = `root/node/agents/agent-${index}`;
      const lines = frame(
        snapshotOf(STATUS),
        options({ height: 14, chosen, style: (name, text) => (name === 'inverse' ? `>${text}` : text) }),
      );
      expect(lines.filter((line) => line.startsWith('>'))).toHaveLength(1);
      expect(lines.find((line) => line.startsWith('>'))).toContain(`agent-${index} `);
      expect(lines.at(-1)).toContain('q quit');
    }
  });

  test('nothing is wider or higher than it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 20, max: 200 }),
        fc.integer({ min: 4, max: 80 }),
        fc.nat(31),
        fc.string(),
        (width, height, at, message) => {
          const snapshot = snapshotOf(STATUS);
          const lines = frame(snapshot, options({ width, height, chosen: snapshot.tree[at]?.path ?? '', message }));
          expect(lines).toHaveLength(height);
          for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(width);
        },
      ),
    );
  });
});

test('what another program answers does not end it, and what it names can not move the cursor', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(frame(snapshotOf(value), options())).toHaveLength(60);
    }),
  );
  const lines = frame(snapshotOf({ node: 'a\u001B[2Jb', tree: [{ path: 'root/\u001B[31m', status: 'x\n' }] }), options());
  for (const control of ['\u001B', '\n']) expect(lines.join('')).not.toContain(control);
});
