import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { conditionProblems } from './condition.ts';
import type { Question } from './item.ts';
import { realPath } from './real-path.ts';
import { inOrder, match, type Rule } from './rule.ts';

const OWNER = { kind: 'user', id: 'u1' };

function rule(over: Partial<Rule> = {}): Rule {
  return {
    id: 'r',
    name: 'r',
    description: '',
    status: 'active',
    approvalType: '*',
    toolNames: [],
    conditions: {},
    action: 'approve',
    actionNote: '',
    maxAutoApprovalsPerHour: null,
    maxAutoApprovalsPerSession: null,
    priority: 0,
    appliesToSessions: [],
    appliesToWorkflows: [],
    owner: OWNER,
    ...over,
  };
}

function question(payload: Record<string, unknown>, over: Partial<Question> = {}): Question {
  return {
    approvalType: 'tool_use',
    sourceType: 'tool_use',
    sourceId: null,
    sessionId: 's1',
    workflowId: null,
    title: 't',
    description: '',
    payload,
    context: {},
    priority: 'normal',
    riskLevel: 'low',
    riskFactors: [],
    owner: OWNER,
    timeoutMs: null,
    timeoutAction: 'deny',
    ...over,
  };
}

const why = (one: Partial<Rule>, asked: Question): string | null => match(rule(one), asked, realPath).why;

describe('conditions', () => {
  const holds = (conditions: Record<string, unknown>, payload: Record<string, unknown>): boolean =>
    why({ conditions }, question(payload)) === null;

  test.each<[Record<string, unknown>, Record<string, unknown>, boolean]>([
    [{ 'input.n': { eq: 1 } }, { input: { n: 1 } }, true],
    [{ 'input.n': { eq: 1 } }, { input: { n: 2 } }, false],
    [{ 'input.n': 1 }, { input: { n: 1 } }, true],
    [{ 'input.n': [1, 2] }, { input: { n: 2 } }, true],
    [{ 'input.n': { in: ['a'] } }, { input: { n: 'b' } }, false],
    [{ 'input.n': { lt: 3, gt: 1 } }, { input: { n: 2 } }, true],
    [{ 'input.n': { lt: 3 } }, { input: { n: '2' } }, false],
    [{ 'input.n': { exists: true } }, { input: {} }, false],
    [{ 'input.n': { exists: false } }, { input: {} }, true],
    [{ 'input.n': { exists: false, eq: 1 } }, { input: {} }, false],
    // What is not there never matches, whatever is asked of it.
    [{ 'input.n': { regex: '.*' } }, {}, false],
    [{ 'input.n': { glob: '**' } }, {}, false],
    // The whole text, not a part of it.
    [{ name: { regex: 'read' } }, { name: 'bread' }, false],
    [{ name: { regex: 'a|b' } }, { name: 'ab' }, false],
    [{ name: { regex: 'rea.' } }, { name: 'read' }, true],
    [{ name: { regex: 'read' } }, { name: 'read\nrm' }, false],
    [{ name: { regex: '(a+)+b' } }, { name: 'a'.repeat(5_000) }, false],
    [{ 'input.path': { glob: '/tmp/*' } }, { input: { path: '/tmp/x' } }, true],
    [{ 'input.path': { glob: '/tmp/*' } }, { input: { path: '/tmp/x/y' } }, false],
    [{ 'input.path': { glob: '/tmp/**' } }, { input: { path: '/tmp/x/y' } }, true],
    [{ 'input.path': { glob: '/tmp/**' } }, { input: { path: '/tmp/../etc/passwd' } }, false],
    [{ 'input.path': { glob: '/tmp/**' } }, { input: { path: '/tmp/./x/../y' } }, true],
    [{ 'input.path': { glob: 'src/**' } }, { input: { path: 'src/../../etc/passwd' } }, false],
    [{ 'input.path': { glob: '/tmp/a.b' } }, { input: { path: '/tmp/aXb' } }, false],
    // As rules from elsewhere say it.
    [{ path_pattern: '/tmp/**' }, { input: { file_path: '/tmp/x' } }, true],
    [{ path_pattern: '/tmp/**' }, { path: '/etc/x' }, false],
    [{ action: 'create' }, { action: 'create' }, true],
    // A command is what would run.
    [{ 'input.command': { glob: 'git status*' } }, { input: { command: 'git "status" --short' } }, true],
    [{ 'input.command': { glob: 'git *' } }, { input: { command: 'git status; rm -rf /' } }, false],
    [{ 'input.command': { regex: 'git .*' } }, { input: { command: 'git $(rm x)' } }, false],
    [{ 'input.command': { eq: 'git status' } }, { input: { command: ['git', 'status'] } }, true],
    [{ 'input.command': { eq: 'git status' } }, { input: { command: ['git status'] } }, false],
    // What every object has is no payload.
    [{ constructor: { exists: true } }, {}, false],
    [{ 'toString.name': { exists: true } }, {}, false],
  ])('%j on %j: %s', (conditions, payload, expected) => {
    expect(holds(conditions, payload)).toBe(expected);
  });

  describe('a path', () => {
    let folder: string;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'seed-rule-'));
      mkdirSync(join(folder, 'open'));
      mkdirSync(join(folder, 'closed'));
      symlinkSync(join(folder, 'closed'), join(folder, 'open', 'link'));
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    test('is followed through symbolic links, also where the file itself is not there yet', () => {
      const conditions = { 'input.path': { glob: `${folder}/open/**` } };
      expect(holds(conditions, { input: { path: `${folder}/open/new.txt` } })).toBe(true);
      expect(holds(conditions, { input: { path: `${folder}/open/link/new.txt` } })).toBe(false);
      expect(holds(conditions, { input: { path: `${folder}/open/link/a/b/new.txt` } })).toBe(false);
    });
  });

  test.each([
    [{ name: { regex: '(?=x)' } }, 'look-ahead'],
    [{ name: { regex: '(' } }, 'broken'],
    [{ name: { regex: String.raw`(a)\1` } }, 'back reference'],
  ])('%j is refused: %s', (conditions) => {
    expect(conditionProblems(conditions)).toMatchObject([{ path: 'conditions.name.regex' }]);
  });
});

test.each([{ name: { like: 'x' } }, { name: { eq: {} } }, { name: { lt: '3' } }, { name: { in: 'x' } }])(
  '%j is refused: no such operator, or not for this',
  (conditions) => {
    expect(conditionProblems(conditions)).toMatchObject([{ path: 'conditions.name' }]);
  },
);

describe('a rule applies', () => {
  const asked = question({ tool_name: 'write' });
  test.each<[string, Partial<Rule>, RegExp | null]>([
    ['to everything of its owner', {}, null],
    ['never to what belongs to somebody else', { owner: { kind: 'user', id: 'u2' } }, /somebody else/],
    ['to everybody when it is the node’s', { owner: { kind: 'node', id: 'n' } }, null],
    ['to its type', { approvalType: 'tool_use' }, null],
    ['not to another type', { approvalType: 'file_write' }, /file_write/],
    ['to the tools it names', { toolNames: ['read', 'write'] }, null],
    ['not to other tools', { toolNames: ['read'] }, /read/],
    ['to its sessions', { appliesToSessions: ['s1'] }, null],
    ['not to other sessions', { appliesToSessions: ['s2'] }, /other sessions/],
    ['not to other workflows', { appliesToWorkflows: ['w'] }, /other workflows/],
    ['not when it is disabled', { status: 'disabled' }, /disabled/],
  ])('%s', (_, over, reason) => {
    if (reason === null) expect(why(over, asked)).toBeNull();
    else expect(why(over, asked)).toMatch(reason);
  });

  test('to a dangerous operation only when it names it', () => {
    const dangerous = question({ operation: 'database:rollback' }, { approvalType: 'operation' });
    expect(why({}, dangerous)).toMatch(/must be named/);
    expect(why({ toolNames: ['database:rollback'] }, dangerous)).toBeNull();
    // To be careful nobody has to be exact.
    expect(why({ action: 'deny' }, dangerous)).toBeNull();
  });
});

test('the larger priority decides first; at the same one deny, then review, then approve', () => {
  const rules = [
    rule({ id: 'a', action: 'approve', priority: 5 }),
    rule({ id: 'b', action: 'deny', priority: 1 }),
    rule({ id: 'c', action: 'require_review', priority: 5 }),
    rule({ id: 'd', action: 'deny', priority: 5 }),
    rule({ id: 'e', action: 'approve', priority: 9 }),
  ];
  expect(inOrder(rules).map(({ id }) => id)).toEqual(['e', 'd', 'c', 'a', 'b']);
});
