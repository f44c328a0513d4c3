// Whole commands against a real node's door: arguments in, exit code and both outputs out. What a process of its own changes
// is in process.int.test.ts.
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seedHere, startGarden, type GardenNode, type InProcessOptions } from './fixture.ts';

let node: GardenNode;
let folder: string;
beforeAll(async () => {
  node = await startGarden();
  folder = await mkdtemp(join(tmpdir(), 'seed-cli-files-'));
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const run = async (line: string | readonly string[], options: Partial<InProcessOptions> = {}) => {
  const { code, stdout, stderr } = await seedHere(typeof line === 'string' ? line.split(' ') : line, { node, ...options });
  return { code, stdout, stderr };
};

describe('answers', () => {
  test('a table by default, cut by nothing', async () => {
    const { code, stdout, stderr } = await run('pots list --limit 2');
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout:
        'POT ID  PLANT  HEIGHT CM  SOWN                  IN BLOOM\n' +
        'p1      rose          10  2026-01-01 00:00:00Z  yes\n' +
        'p2      fern          20  2026-02-01 00:00:00Z  no\n',
      stderr: 'page 1 of 3, 5 in all; --page and --limit show others\n',
    });
  });

  test('JSON is data and nothing else', async () => {
    const { stdout, stderr } = await run('pots:list --format json --filter height_cm>30 --sort plant --order desc');
    expect(JSON.parse(stdout)).toMatchObject({ items: [{ plant: 'sage' }, { plant: 'basil' }], page_info: { page: 1, total: 2 } });
    expect(stderr).toBe('');
  });

  test('YAML, ids, and a file', async () => {
    expect((await run('pots:get p1 -f yaml')).stdout).toMatch(/^pot_id: p1\nplant: rose\n/);
    expect((await run('pots:list -q')).stdout).toBe('p1\np2\np3\np4\np5\n');
    const file = join(folder, 'pots.json');
    expect(await run(`pots:list -f json -o ${file}`)).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(JSON.parse(await readFile(file, 'utf8'))).toHaveProperty('items');
    expect(((await stat(file)).mode & 0o777).toString(8)).toBe('644');
  });

  test('a command that fails leaves no file', async () => {
    expect((await run(`pots:get p99 -o ${join(folder, 'none.json')}`)).code).toBe(3);
    expect((await readdir(folder)).filter((name) => name.includes('none'))).toEqual([]);
  });

  test('--verbose talks on standard error', async () => {
    const { stdout, stderr } = await run('pots:get p1 --verbose --format json');
    expect(JSON.parse(stdout)).toMatchObject({ pot_id: 'p1' });
    expect(stderr).toMatch(/^> GET http:\/\/127\.0\.0\.1:\d+\/api\/pots\/p1\n< 200 in [\d.]+ ms request \S+\n$/);
  });

  test('health that is not well is shown, and is the exit code', async () => {
    const pots = new Map(node.ports.pots);
    node.ports.pots.clear();
    expect(await run('garden:health')).toEqual({ code: 7, stdout: 'status     fail\npot_count  0\n', stderr: '' });
    for (const [id, pot] of pots) node.ports.pots.set(id, pot);
    expect((await run('garden:health')).code).toBe(0);
  });

  test('text is text', async () => {
    expect((await run('garden:metrics')).stdout).toBe('pots 5\n');
  });
});

describe('input', () => {
  test('values of every kind arrive typed', async () => {
    const file = join(folder, 'text.txt');
    await writeFile(file, 'from a file');
    const args = [
      'pots:label',
      '-h',
      `@${file}`,
      '-f',
      '3',
      '--ratio',
      '.5',
      '--no-dry',
      '--colours',
      'a,b',
      '--colours',
      'c',
      '--meta',
      'a=1',
      '--anything',
      '-',
      '--size',
      'small',
    ];
    const { stdout, stderr } = await run([...args, '--format', 'json'], { input: '{"deep":[null]}' });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({
      text: 'from a file',
      count: 3,
      ratio: 0.5,
      dry: false,
      colours: ['a', 'b', 'c'],
      meta: { a: 1 },
      anything: { deep: [null] },
      size: 'small',
    });
  });

  test('a batch: a line for each line, and a failure if one fails', async () => {
    const input = '{"pot_id":"p1"}\n\n{"pot_id":"p77"}\nnope\n[]\n{}\n{"pot":"p1"}\n';
    const { code, stdout, stderr } = await run('pots:get --batch -', { input });
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { line: number; ok: boolean; error?: { code: string } });
    expect(lines.map(({ line, ok, error }) => [line, ok, error?.code])).toEqual([
      [1, true, undefined],
      [3, false, 'not_found'],
      [4, false, 'bad_request'],
      [5, false, 'bad_request'],
      [6, false, 'bad_request'],
      [7, false, 'bad_request'],
    ]);
    expect(lines[0]).toMatchObject({ data: { plant: 'rose' } });
    expect(stderr).toBe('1 done, 5 failed\n');
    expect(code).toBe(1);
  });

  test('flags are the defaults of a batch, and its file may be named', async () => {
    const file = join(folder, 'batch.jsonl');
    await writeFile(file, '{"pot_id":"p41"}\r\n{"pot_id":"p42","plant":"oak"}');
    const { code, stdout } = await run(`pots:plant --batch ${file} --plant yew --quiet`);
    expect(code).toBe(0);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { data: { plant: string } }).data.plant),
    ).toEqual(['yew', 'oak']);
    node.ports.pots.delete('p41');
    node.ports.pots.delete('p42');
  });

  test('a dry run changes nothing', async () => {
    expect((await run('pots:plant --pot-id p50 --plant oak --dry-run')).stdout).toMatch(/^applied {4}no\n/);
    expect(node.ports.pots.has('p50')).toBe(false);
    expect(await run('pots:smash p1 --dry-run')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('can not say beforehand') as unknown,
    });
    expect(node.ports.pots.has('p1')).toBe(true);
  });
});

describe('what goes wrong', () => {
  test.each([
    ['pots:get p99', 3, 'error: there is no pot p99\n'],
    ['pots:plant --pot-id p1 --plant oak', 5, 'error: pot p1 is taken\n'],
    ['pots:get x', 2, 'error: pot_id: '],
    ['pots:get', 2, 'error: pots:get needs <pot-id>\ntry: seed pots:get <pot-id>, or --interactive to be asked\n'],
    ['pots:get --pot-di p1', 2, 'error: pots:get has no flag --pot-di\ndid you mean --pot-id?\n'],
    ['pots:lst', 2, 'error: there is no command "pots:lst"\ndid you mean "seed pots:list"?\n'],
    ['pots:list --filter hieght_cm=3', 2, 'error: filter.0: there is no field "hieght_cm"\ndid you mean height_cm?\n'],
    [
      'pots:smash p1',
      6,
      'error: pots:smash is dangerous and needs a confirmation: smash a pot for good\ntry: seed pots:smash p1 --confirm\n',
    ],
    ['pots:smash p1 --confirm=p2', 6, 'error: --confirm=p2 is not what this is about\ntry: --confirm=p1\n'],
    ['pots:smash --batch x.jsonl', 6, 'error: pots:smash is dangerous'],
    ['pots:get --interactive', 2, 'error: --interactive needs a terminal, and this is none\ntry: give what is missing: --pot-id\n'],
    ['pots:broken --way coded', 7, 'error: the shed is full\n'],
    ['pots:broken --way throw', 1, 'error: pots:broken failed unexpectedly\n'],
    ['pots:watch --batch -', 2, 'error: pots:watch streams'],
    ['pots:list -o /nowhere/x', 2, 'error: --output /nowhere/x can not be written: its folder does not exist\n'],
    ['pots:get --batch /nowhere/x', 2, 'error: --batch: /nowhere/x does not exist\n'],
    ['--format', 2, 'error: "--format" without a command\n'],
  ])('%s ends with %d', async (line, code, stderr) => {
    const result = await run(line);
    expect(result).toMatchObject({ code, stdout: '' });
    expect(result.stderr).toContain(stderr);
  });

  test('as JSON: one line with code, message, hint', async () => {
    const { stderr, stdout } = await run('pots:smash p1 --format json');
    expect(stdout).toBe('');
    expect(JSON.parse(stderr)).toEqual({
      code: 'confirmation_required',
      message: 'pots:smash is dangerous and needs a confirmation: smash a pot for good',
      hint: 'seed pots:smash p1 --format json --confirm',
      retryable: false,
    });
  });

  test('--confirm does it', async () => {
    for (const [id, flag] of [
      ['p61', '--confirm'],
      ['p62', '--confirm=p62'],
      ['p63', '--confirm=pots:smash'],
    ] as const) {
      node.ports.pots.set(id, { potId: id, plant: 'x', heightCm: 1, sown: '', inBloom: false });
      expect(await run(`pots:smash ${id} ${flag}`)).toEqual({ code: 0, stdout: 'smashed  yes\n', stderr: '' });
    }
  });

  test('who may not', async () => {
    const guest = { token: 'guest-token' };
    expect(await run('garden:metric', guest)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('does not tell us: token guest may not') as unknown,
    });
    expect(await run('garden:metrics', guest)).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('may not garden:metrics') as unknown,
    });
    expect(await run('pots:list', { token: 'wrong-token' })).toMatchObject({ code: 4 });
  });
});

describe('streams', () => {
  test('lines for people, one object a line for programs', async () => {
    expect((await run('pots:watch --pot-id p1')).stdout).toBe(
      'seq=1  new_height_cm=11\nseq=2  new_height_cm=12\nseq=3  new_height_cm=13\n',
    );
    const { stdout } = await run('pots:watch --pot-id p1 --format json');
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toHaveLength(3);
  });

  test('one that fails in the middle', async () => {
    expect(await run('pots:watch --pot-id p1 --fail-at 2')).toEqual({
      code: 5,
      stdout: 'seq=1  new_height_cm=11\n',
      stderr: 'error: the pot fell over\n',
    });
  });

  test('--follow stays with what was started, and ends with its summary', async () => {
    expect((await run('pots:grow p1 --follow')).stdout).toBe(
      'leaf 1\nleaf 2\nleaf 3\nleaf 4\ngrown\n\npot        p1\nleaves     4\nheight_cm  12.5\n',
    );
    expect(await run('pots:grow frozen --follow')).toMatchObject({ code: 5, stderr: 'error: the plant froze\ntry: take it inside\n' });
    expect(await run('pots:grow frozen --follow --format json')).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('"code":"invalid_state"') as unknown,
    });
    expect(await run('pots:grow frozen --follow --quiet')).toMatchObject({ code: 5, stdout: '' });
    expect((await run('pots:grow p1')).stdout).toBe('growth_id  p1\nstate      queued\n');
  });
});

describe('at a terminal', () => {
  const at = (line: string, answers: readonly string[] = []) => seedHere(line.split(' '), { node, answers });

  test('a table is cut to the width', async () => {
    const { stdout } = await seedHere(['pots:list'], { node, answers: [], columns: 40 });
    expect(
      stripVTControlCharacters(stdout)
        .split('\n')
        .filter((line) => line.length > 40),
    ).toEqual([]);
  });

  test('a dangerous command asks, and takes no for an answer', async () => {
    expect(await at('pots:smash p1', ['n\n'])).toMatchObject({ code: 6, unanswered: 0 });
    expect(node.ports.pots.has('p1')).toBe(true);
  });

  test.each(['y', 'p71', 'pots:smash'])('... and %s for a yes', async (answer) => {
    node.ports.pots.set('p71', { potId: 'p71', plant: 'x', heightCm: 1, sown: '', inBloom: false });
    expect(await at('pots:smash p71', [`${answer}\n`])).toMatchObject({ code: 0, stdout: 'smashed  yes\n' });
    expect(node.ports.pots.has('p71')).toBe(false);
  });

  test('Ctrl-C at a question', async () => {
    expect(await at('pots:smash p1', ['\u0003'])).toMatchObject({ code: 130 });
    expect(node.ports.pots.has('p1')).toBe(true);
  });

  test('--interactive asks for what is missing, again where it does not fit', async () => {
    const result = await at('pots:broken --interactive', ['thorw\n', '\n', 'coded\n']);
    expect(result).toMatchObject({ code: 7, unanswered: 0 });
    expect(result.stderr).toContain('way can not be "thorw" (did you mean throw?)');
    expect(await at('pots:get p1 --interactive')).toMatchObject({ code: 0 });
  });

  test('without --interactive nothing is asked', async () => {
    expect(await at('pots:get')).toMatchObject({ code: 2 });
  });

  test('progress is one line that moves', async () => {
    const { stdout } = await at('pots:grow p1 --follow');
    expect(stdout).toContain('\r██████████░░░░░░░░░░  50 %  leaf 2');
    expect(stdout).toMatch(/\r +\rgrown\n\npot {8}p1\nleaves {5}4\nheight_cm {2}12\.5\n$/);
  });
});
