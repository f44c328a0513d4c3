// The two real programs under a node that is root: they run as somebody else, so that what is the node's is out of their reach, and
// what they are asked for works all the same. The control shows that the same turn, run as root, is told everything.
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sha256 } from '#lib/canonical-json.ts';
import { descendants } from '../processes.ts';
import { startSeed, type SeedProcess } from '../seed-process.ts';
import { until } from '../until.ts';
import { BETTER_EXTRACTOR } from './better-extractor.ts';
import { places, PROGRAMS, runScenario, settingsOf, type Program } from './programs.ts';
import { ScriptedApi, type Step } from './scripted-api.ts';

const isRoot = process.platform === 'linux' && process.getuid?.() === 0;
const FIRST_USER = 65_520;

let api: ScriptedApi;
beforeAll(async () => {
  api = await ScriptedApi.start();
});
afterAll(() => api[Symbol.asyncDispose]());

/** All that the model has been sent under this name: what its tools have shown it stands there. */
const told = (scenario: string): string =>
  JSON.stringify(api.requests.filter((request) => request.scenario === scenario).map(({ body }) => body));

describe.runIf(isRoot).each(PROGRAMS)('%s under a node that is root (skipped for others)', (program) => {
  const scenario = `apart-${program}`;
  let seed: SeedProcess;
  beforeAll(async () => {
    seed = await startSeed({ env: settingsOf(api.play(scenario, { steps: ['silence'] })) });
  });
  afterAll(() => seed[Symbol.asyncDispose]());

  test('as root it would be shown a file that is root’s alone: the control', async () => {
    await using place = await places();
    const secret = join(place.work, '..', 'secret.txt');
    await writeFile(secret, 'the-keys-of-the-node', { mode: 0o600 });
    await runScenario(api, { name: 'control', program, scenario: { steps: [{ look: secret }, { text: 'done' }] }, ...place });
    expect(told(`control-${program}`)).toContain('the-keys-of-the-node');
  });

  test('looks at keys, folders and the environment in vain, and betters the agent all the same', async () => {
    const keys = join(seed.dataDir, 'keys');
    api.play(scenario, {
      steps: [...snooping(program, seed), { write: { path: 'agent.ts', content: BETTER_EXTRACTOR } }, { text: 'It reads all.' }],
    });
    const asked = { proposer: program, budget: '90s', goal: 'read every layout', seed: 1 };
    const made = await seed.api<{ data: { id: string } }>('POST', '/api/agents/extract/improvements', asked);
    const users = new Set<number>();
    const { body } = await until(
      () => {
        for (const { pid, command } of descendants(seed.handle.pid)) if (isProgram(command)) users.add(userOf(pid));
        return seed.api<{ data: { state: string; attempts: string[]; reason: string } }>('GET', `/api/improvements/${made.body.data.id}`);
      },
      (answer) => !['queued', 'generating', 'validating', 'staged', 'promoting'].includes(answer.body.data.state),
      100_000,
    );
    expect([body.data.reason, body.data.attempts]).toEqual([expect.any(String), []]);
    expect(['waiting', 'live', 'verifying']).toContain(body.data.state);
    // It was asked to look, or this would show nothing.
    const seen = told(scenario);
    expect(seen).toContain(seed.dataDir);
    const [master] = JSON.parse(readFileSync(join(keys, 'master-keys.json'), 'utf8')) as [{ key: string }];
    const secrets = [seed.token, master.key, 'master-keys.json', 'CODE_ROOT='];
    expect(secrets.filter((secret) => seen.includes(secret))).toEqual([]);
    users.delete(Number.NaN);
    expect([...users].every((uid) => uid >= FIRST_USER)).toBe(true);
    expect(users.size).toBeGreaterThan(0);
  });

  test('nothing of it is left, and the health of the node says how it is run', async () => {
    expect(left()).toEqual([]);
    expect(descendants(seed.handle.pid).filter(({ command }) => isProgram(command))).toEqual([]);
    const { body } = await seed.api<{ checks: Record<string, [{ status: string; observedValue: string }]> }>('GET', '/health/deep');
    expect(body.checks['coding_agents:user']).toMatchObject([
      { status: 'pass', observedValue: expect.stringContaining(`${program}: a user of its own`) },
    ]);
  });

  /** Folders of runs and of attempts. */
  function left(): string[] {
    const names = readdirSync(tmpdir()).filter((name) => name.startsWith(`seed-agent-${sha256(seed.dataDir).slice(0, 12)}-`));
    expect(names).toHaveLength(1);
    const [outside = ''] = names;
    return readdirSync(join(tmpdir(), outside), { recursive: true, encoding: 'utf8' }).filter((path) => path !== 'scratch');
  }
});

/** What it looks at: without a shell there are only searches. */
function snooping(program: Program, { dataDir, nodePid }: SeedProcess): Step[] {
  const places = [join(dataDir, 'admin.token'), join(dataDir, 'keys'), dataDir, `/proc/${nodePid}/environ`];
  return program === 'codex'
    ? [{ shell: places.map((place) => `ls -la ${place}; cat ${place}`).join('; ') }]
    : places.map((look) => ({ look }));
}

function isProgram(command: string): boolean {
  return /bin\/codex|\/claude /.test(command);
}

function userOf(pid: number): number {
  try {
    return Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    return Number.NaN;
  }
}
