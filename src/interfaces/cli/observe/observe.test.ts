import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import type { CatalogueEntry } from '#operation/catalogue-entry.ts';
import type { HttpClient, HttpResponse } from '../http-client.ts';
import { observe } from './observe.ts';

const LEFT = '\u001B[?25h\u001B[?1049l';
const STATUS = {
  data: {
    node: 'n1',
    tree: [
      { path: 'root', status: 'running' },
      { path: 'root/node', status: 'running' },
    ],
  },
};

const find = (name: string): CatalogueEntry => ({
  name,
  summary: '',
  kind: 'read',
  permission: 'system:read',
  method: 'GET',
  path: `/${name.replace(':', '/')}`,
  flags: [],
  examples: [],
  input: {},
});

const answer = (body: unknown): HttpResponse => ({
  status: 200,
  header: () => undefined,
  text: async () => JSON.stringify(body),
  chunks: () => {
    throw new Error('nobody reads it in pieces');
  },
});

/** A view of a node that answers the first look at once, and every other request when it is told to. */
function start() {
  const stream = () => Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
  const [stdin, stdout, stderr] = [stream(), stream(), stream()];
  let shown = '';
  stdout.setEncoding('utf8').on('data', (text: string) => (shown += text));
  const asked: { path: string; aborted: () => boolean; release: (body?: unknown) => void }[] = [];
  let looks = 0;
  const client: HttpClient = {
    send: async ({ path }, signal) => {
      looks += 1;
      if (looks === 1) return answer(STATUS);
      return await new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('cancelled')));
        asked.push({ path, aborted: () => signal.aborted, release: (body = STATUS) => resolve(answer(body)) });
      });
    },
  };
  const { signal } = new AbortController();
  const left = observe({ terminal: { stdin, stdout, stderr }, client, everyMs: 1, signal, find });
  return { left, stdin, asked, shown: () => shown };
}

test('who leaves while the node is being asked has left: it asks and draws no more', async () => {
  const view = start();
  await expect.poll(() => view.asked.length).toBe(1);
  view.stdin.write('q');
  await view.left;
  expect(view.asked[0]?.aborted()).toBe(true);
  // The answer comes all the same; a thousand turns are enough for whatever would come of it.
  view.asked[0]?.release();
  for (let turn = 0; turn < 1_000; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(view.asked).toHaveLength(1);
  expect(view.shown().endsWith(LEFT)).toBe(true);
});

test('what was agreed to is still done after leaving, and its answer is drawn nowhere', async () => {
  const view = start();
  await expect.poll(() => view.asked.length).toBe(1);
  view.stdin.write('\u001B[Bry');
  await expect.poll(() => view.asked.length).toBe(2);
  view.stdin.write('q');
  await view.left;
  const [look, restart] = view.asked;
  expect([look?.aborted(), restart?.aborted(), restart?.path]).toEqual([true, false, '/system/restart']);
  restart?.release({ data: {} });
  for (let turn = 0; turn < 1_000; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(view.asked).toHaveLength(2);
  expect(view.shown().endsWith(LEFT)).toBe(true);
});
