import { expect, test } from 'vitest';
import type { ImprovementEvent } from '#improvement/events.ts';
import { loadConfig } from '../config.ts';
import { type DemoState, type FirstScreen, logBesideScreen, Screen } from './screen.ts';

test('on a terminal the log is quiet until somebody says how much they want to see', () => {
  const config = (env: Record<string, string>) => loadConfig({ env, cwd: '/nonexistent' });
  expect(logBesideScreen(config({}), true)).toBe('warn');
  expect(logBesideScreen(config({}), false)).toBe('debug');
  expect(logBesideScreen(config({ LOG_LEVEL: 'info' }), true)).toBe('debug');
});

const SCREEN: FirstScreen = {
  version: '0.1.0',
  dataDir: '/data',
  newFolder: true,
  url: 'http://127.0.0.1:4000',
  socket: '/data/seed.sock',
  signInUrl: 'http://127.0.0.1:4000/sign-in/abc',
  demo: 'runs',
  powerSafe: false,
};

function recorded(options: { isTty?: boolean; columns?: number } = {}): { screen: Screen; text: () => string } {
  let text = '';
  const { isTty = false, columns = 80 } = options;
  return { screen: new Screen({ write: (part) => (text += part), isTty, columns: () => columns }), text: () => text };
}

function progress(generation: number): ImprovementEvent {
  return { type: 'search_progressed', data: { generation, evaluated: 20, perSecond: 10, best: 1, baseline: 4, elapsedMs: 1_000 } };
}

const STAGED: ImprovementEvent = { type: 'version_staged', data: { hash: 'f'.repeat(64), version: 2 } };

test('the first screen says where the data is, how to sign in, and what the demo does', () => {
  const { screen, text } = recorded();
  screen.first(SCREEN);
  expect(text()).toMatch(/^ {2}data {6}\/data \(new\)$/m);
  expect(text()).toMatch(/^ {2}sign in {3}http:\/\/127\.0\.0\.1:4000\/sign-in\/abc {3}\(works once, for 15 minutes\)$/m);
  expect(text()).toMatch(/^ {2}status {4}http:\/\/127\.0\.0\.1:4000\/status$/m);
  expect(text()).toMatch(/^ {2}demo {6}the packer agent improves itself/m);
  expect(text()).toMatch(/^ {12}its score: .*lower is better$/m);
  expect(text()).not.toContain('socket');
});

test.each<[DemoState, RegExp]>([
  ['shown', /^ {2}demo {6}has been shown; once more: bin\/seed agents:improve packer --follow$/m],
  ['off', /^ {2}demo {6}off$/m],
  ['no_agent', /^ {2}demo {6}off: there is no agent packer$/m],
])('a demo that does not run is not promised: %s', (demo, line) => {
  const { screen, text } = recorded();
  screen.first({ ...SCREEN, demo });
  expect(text()).toMatch(line);
  expect(text()).not.toContain('improves itself');
});

test('without a port it names the socket', () => {
  const { screen, text } = recorded();
  screen.first({ ...SCREEN, url: null, signInUrl: null });
  expect(text()).toMatch(/^ {2}socket {4}\/data\/seed\.sock$/m);
  expect(text()).not.toMatch(/sign in|status/);
});

test('on a terminal progress is one line that moves, and its last state stays above what follows', () => {
  const { screen, text } = recorded({ isTty: true });
  screen.improvement(progress(1), 0);
  screen.improvement(progress(2), 1);
  screen.improvement(STAGED, 2);
  const [first, second, third, ...rest] = text().split(/\r|\n/);
  expect([first, second]).toEqual([expect.stringContaining('generation 1:'), expect.stringContaining('generation 2:')]);
  expect([third, ...rest]).toEqual([expect.stringContaining('generation 2:'), '  staged as v2', '']);
});

test('a narrow terminal cuts the line that moves, for one that wraps could not be taken back', () => {
  const { screen, text } = recorded({ isTty: true, columns: 30 });
  screen.improvement(progress(1), 0);
  expect(text()).toBe('\u001b[K  generation 1: best 1.000 (b\r');
});

test('who has pressed Ctrl-C at a terminal reads what goes on', () => {
  const [terminal, pipe] = [recorded({ isTty: true }), recorded()];
  for (const { screen } of [terminal, pipe]) screen.stopping();
  expect(terminal.text()).toContain('stopping: calls in flight end first');
  expect(pipe.text()).toBe('');
});

test('in a pipe progress is a line now and then', () => {
  const { screen, text } = recorded();
  for (const [generation, atMs] of [
    [1, 0],
    [2, 4_999],
    [3, 5_000],
  ] as const)
    screen.improvement(progress(generation), atMs);
  expect(text().match(/generation \d/g)).toEqual(['generation 1', 'generation 3']);
});
