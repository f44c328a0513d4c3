import { expect, test } from 'vitest';
import { drawLineage, graphOf } from './lineage-drawing.ts';
import type { LineageItem } from './lineage-item.ts';

function version(number: number, parent: number | null, over: Partial<LineageItem> = {}): LineageItem {
  return {
    id: `v${number}`,
    kind: 'version',
    version: number,
    hash: String(number).repeat(64).slice(0, 64),
    parent: parent === null ? null : `v${parent}`,
    status: 'retired',
    verdict: 'healthy',
    quarantined: null,
    reason: '',
    proposer: 'manual',
    promptHash: null,
    improvement: null,
    selection: null,
    validation: null,
    test: null,
    costMicroUsd: null,
    approvedBy: null,
    createdBy: 'user/u1',
    createdAt: `2026-11-21T00:00:0${number}.000Z`,
    liveAt: null,
    ...over,
  };
}

const refused = (id: string, parent: number, reason: string): LineageItem =>
  version(9, parent, {
    id,
    kind: 'candidate',
    version: null,
    hash: null,
    status: 'refused',
    verdict: '',
    proposer: 'genetic',
    selection: 3.98,
    reason,
  });

const HISTORY = [
  version(1, null),
  refused('i1/1', 1, 'validation: gains less than 0.5 %'),
  version(2, 1, {
    status: 'previous',
    proposer: 'genetic',
    selection: 3.9,
    validation: { mean: 3.91, base: 3.98, gain: 0.07, p: 0.00412, draws: 20 },
  }),
  version(3, 2, { verdict: 'rolled_back', quarantined: 'it ended its host three times', reason: 'strikes' }),
  refused('i2/1', 3, 'contract_tests: handle threw\nat line 3'),
  version(4, 2, {
    status: 'active',
    verdict: 'observing',
    proposer: 'claude-code',
    test: { mean: 3.84, base: 3.91, gain: 0.07, p: 0.01, draws: 20 },
    costMicroUsd: 12_345,
    approvedBy: 'user/u1',
  }),
];

test('the way to what is live stays in the first column, what turned off is set in', () => {
  expect(drawLineage(HISTORY)).toBe(
    `VERSION  HASH          PROPOSER     STATUS                    TEST                  VALIDATION              SELECTION  COST     APPROVED BY  WHY
○ v1     111111111111  manual       retired
├─×                    genetic      refused                                                                 3.98                             validation: gains less than 0.5 %
○ v2     222222222222  genetic      previous                                        3.91 (+0.07, p 0.0041)  3.9
├─○ v3   333333333333  manual       rolled back, quarantined                                                                                 strikes
│ └─×                  genetic      refused                                                                 3.98                             contract_tests: handle threw at line 3
● v4     444444444444  claude-code  active, observing         3.84 (+0.07, p 0.01)                                     $0.0123  user/u1
`,
  );
});

test('a history of hand-made versions has the columns that say something, and any depth', () => {
  const chain = Array.from({ length: 2_000 }, (_, index) => version(index + 1, index === 0 ? null : index));
  const lines = drawLineage(chain).split('\n');
  expect(lines[0]).toBe('VERSION  HASH          PROPOSER  STATUS');
  expect(lines).toHaveLength(2_002);
  expect(lines[2_000]).toMatch(/^○ v2000  /);
  expect(drawLineage([])).toBe('');
});

test('what was made from something forgotten begins a tree of its own; nothing is shown twice', () => {
  const drawn = drawLineage([version(5, 4), version(6, 5), refused('i9/1', 3, 'late'), version(7, 5)]);
  expect(drawn.split('\n').map((line) => line.slice(0, 7).trim())).toEqual(['VERSION', '○ v5', '├─○ v6', '○ v7', '×', '']);
});

test('Graphviz is given every item and every line between them', () => {
  const graph = graphOf('packer', HISTORY);
  expect(graph).toMatch(/^digraph "packer" \{\n {2}rankdir=TB;\n/);
  expect(graph).toContain('  "v1" -> "i1/1";\n');
  expect(graph).toContain('  "v2" -> "v4";\n');
  expect(graph).toMatch(
    /"v4" \[label="v4 444444444444\\nclaude-code\\nactive, observing\\ntest 3\.84 .*\\n\$0\.0123\\napproved by user\/u1", color=darkgreen/,
  );
  expect(graph.match(/ -> /g)).toHaveLength(5);
});

test('whatever a reason says, it stays within its quotes', () => {
  const graph = graphOf('a', [refused('x/1', 1, 'say "no" \\ }\n-> y [label=z];\u0007')]);
  expect(graph.split('\n')).toHaveLength(6);
  expect(graph).toContain('\\nsay \\"no\\" \\\\ } -> y [label=z];"');
});
