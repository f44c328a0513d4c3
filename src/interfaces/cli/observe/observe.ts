// The live view: looks at the node again and again, draws, and does what the keys say. It leaves the terminal as it was, however it ends.
import { setTimeout as sleep } from 'node:timers/promises';
import { SeedError, toSeedError } from '#lib/error.ts';
import type { CatalogueEntry } from '#operation/catalogue-entry.ts';
import { remoteFailure } from '../failure.ts';
import type { HttpClient } from '../http-client.ts';
import { requestFor } from '../request.ts';
import { isRecord } from '../table.ts';
import { paint, type Terminal, type TerminalOutput } from '../terminal.ts';
import { frame } from './frame.ts';
import { snapshotOf, type Snapshot } from './snapshot.ts';

export interface ObserveOptions {
  terminal: Terminal;
  client: HttpClient;
  everyMs: number;
  signal: AbortSignal;
  find: (name: string) => CatalogueEntry;
}

/** The other screen of the terminal, without a cursor; lines are not wrapped. */
const ENTER = '\u001B[?1049h\u001B[?25l\u001B[?7l';
const LEAVE = '\u001B[?7h\u001B[?25h\u001B[?1049l';
const HOME = '\u001B[H';
const CLEAR_LINE = '\u001B[K';
const CLEAR_BELOW = '\u001B[J';
/** An arrow, or a character. The escape key is none that leaves: an arrow that comes in two pieces begins as one. */
// oxlint-disable-next-line no-control-regex -- it is what a key sends
const KEY = /\u001B\[[A-Z]|[^]/gu;

/** Until the user leaves. @throws SeedError `bad_request` without a terminal; what the node answers when it can not be asked at all */
export async function observe(options: ObserveOptions): Promise<string> {
  const { terminal } = options;
  if (terminal.stdin.isTTY !== true || terminal.stdout.isTTY !== true) {
    throw new SeedError('bad_request', 'system:observe needs a terminal, and this is none', { hint: 'seed system:status --format json' });
  }
  const view = new View(options);
  return await view.run();
}

interface RawInput {
  setRawMode?: (raw: boolean) => unknown;
}

class View {
  readonly #options: ObserveOptions;
  readonly #left = new AbortController();
  /** Of whoever ends it: the user, or who runs the command. Not of what the user has agreed to: that is still done. */
  readonly #leaving: AbortSignal;
  #snapshot: Snapshot | null = null;
  #chosen = '';
  #message = '';
  #paused = false;
  /** What a yes would do. */
  #asked: { words: string; run: () => Promise<string> } | null = null;

  constructor(options: ObserveOptions) {
    this.#options = options;
    this.#leaving = AbortSignal.any([options.signal, this.#left.signal]);
  }

  async run(): Promise<string> {
    const { stdin, stdout } = this.#options.terminal;
    // A node that can not be asked is an error of the command, and no picture.
    this.#snapshot = await this.#ask();
    this.#chosen = this.#snapshot.tree[0]?.path ?? '';
    // Several keys may come at once.
    const onKey = (data: Buffer | string): void => {
      for (const [key] of String(data).matchAll(KEY)) this.#key(key);
    };
    const draw = (): void => this.#draw();
    const restore = (): void => void stdout.write(LEAVE);
    const leave = (): void => this.#left.abort();
    (stdin as RawInput).setRawMode?.(true);
    stdin.on('data', onKey).resume();
    stdout.on('resize', draw);
    // Whatever ends this process.
    process.once('exit', restore);
    process.once('SIGTERM', leave).once('SIGHUP', leave);
    stdout.write(ENTER);
    try {
      this.#draw();
      while (!this.#leaving.aborted) {
        await sleep(this.#options.everyMs, undefined, { signal: this.#leaving }).catch(() => undefined);
        await this.#look();
      }
      return '';
    } finally {
      this.#left.abort();
      stdin.off('data', onKey).pause();
      stdout.off('resize', draw);
      (stdin as RawInput).setRawMode?.(false);
      process.off('exit', restore).off('SIGTERM', leave).off('SIGHUP', leave);
      restore();
    }
  }

  async #look(): Promise<void> {
    if (this.#paused || this.#leaving.aborted) return;
    try {
      this.#snapshot = await this.#ask();
      if (this.#message.startsWith('the node')) this.#message = '';
    } catch (error) {
      // It may come back: a node that is restarted does.
      this.#message = `the node does not answer: ${toSeedError(error).message}`;
    }
    this.#draw();
  }

  async #ask(): Promise<Snapshot> {
    return snapshotOf(await this.#call('system:status', {}, this.#leaving));
  }

  async #call(name: string, input: Readonly<Record<string, unknown>>, signal = this.#options.signal): Promise<unknown> {
    const { client, find } = this.#options;
    const response = await client.send(requestFor(find(name), input, { confirmed: true }), signal);
    const text = await response.text();
    if (response.status >= 400) throw remoteFailure(response.status, text, response.header('retry-after'));
    const body = JSON.parse(text) as unknown;
    return isRecord(body) ? body['data'] : undefined;
  }

  #key(data: string): void {
    if (data === '\u0003' || data === 'q') return this.#left.abort();
    if (this.#asked !== null) return this.#answer(data);
    if (data === '\u001B[A' || data === 'k') this.#move(-1);
    else if (data === '\u001B[B' || data === 'j') this.#move(1);
    else if (data === 'p') this.#pause();
    else if (data === 'r') this.#wish('restart', false);
    else if (data === 's') this.#wish('stop', true);
    this.#draw();
  }

  #pause(): void {
    this.#paused = !this.#paused;
    this.#message = '';
  }

  #move(by: number): void {
    const tree = this.#snapshot?.tree ?? [];
    const at = tree.findIndex(({ path }) => path === this.#chosen);
    this.#chosen = tree[Math.max(0, Math.min(tree.length - 1, at + by))]?.path ?? this.#chosen;
    this.#message = '';
  }

  #wish(verb: string, stop: boolean): void {
    const path = this.#chosen;
    const [, , above, agent] = path.split('/');
    const isAgent = above === 'agents' && agent !== undefined;
    const run = async (): Promise<string> => {
      if (path === 'root' || path === 'root/node') await this.#call('system:restart', {});
      else if (isAgent && stop) await this.#call('agents:stop', { agent });
      else await this.#call('system:restart', { child: path, stop });
      return `${path}: ${stop ? 'stopped' : 'restarted'}`;
    };
    if (stop && (path === 'root' || path === 'root/node')) this.#message = 'the node itself is stopped with kill -TERM';
    else this.#asked = { words: `${verb} ${path}? y or n`, run };
  }

  #answer(data: string): void {
    const asked = this.#asked;
    this.#asked = null;
    this.#message = data === 'y' ? 'one moment …' : 'left as it is';
    this.#draw();
    if (data !== 'y' || asked === null) return;
    void asked
      .run()
      .catch((error: unknown) => {
        const { message, hint } = toSeedError(error);
        return hint === undefined ? message : `${message} (${hint})`;
      })
      .then(async (words) => {
        this.#message = words;
        this.#draw();
        await this.#look();
      });
  }

  #draw(): void {
    const { stdout } = this.#options.terminal;
    if (this.#snapshot === null || this.#leaving.aborted) return;
    const { columns = 0, rows = 0 } = stdout as TerminalOutput & { rows?: number };
    const lines = frame(this.#snapshot, {
      // A terminal that does not tell is as they all once were.
      width: columns > 0 ? Math.max(20, columns) : 80,
      height: rows > 0 ? Math.max(4, rows) : 24,
      chosen: this.#chosen,
      message: this.#asked?.words ?? this.#message,
      paused: this.#paused,
      style: (name, text) => paint(stdout, name, text),
    });
    stdout.write(`${HOME}${lines.map((line) => `${line}${CLEAR_LINE}`).join('\r\n')}${CLEAR_BELOW}`);
  }
}
