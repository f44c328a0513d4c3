// What a person sees in the terminal: one short screen when the node is ready, then the demo's progress, then quiet.
import { describe, type ImprovementEvent } from '#improvement/events.ts';
import type { LogThreshold } from '#telemetry/log-level.ts';
import type { Config } from '../config.ts';

export interface ScreenOptions {
  write: (text: string) => void;
  /** Lines may be rewritten in place. */
  isTty: boolean;
  /** Of the terminal as it is now; default 80. */
  columns?: () => number | undefined;
}

export interface FirstScreen {
  version: string;
  dataDir: string;
  newFolder: boolean;
  url: string | null;
  socket: string | null;
  signInUrl: string | null;
  demo: DemoState;
  powerSafe: boolean;
}

/** `shown`: it has run on this data folder before; `no_agent`: there is no packer to run it with. */
export type DemoState = 'runs' | 'shown' | 'off' | 'no_agent';

const DEMO: Readonly<Record<DemoState, readonly string[]>> = {
  runs: [
    'the packer agent improves itself, under orders that the demo sends (--no-demo turns it off)',
    'its score: bins beyond the fewest possible, in %; lower is better',
  ],
  shown: ['has been shown; once more: bin/seed agents:improve packer --follow'],
  off: ['off'],
  no_agent: ['off: there is no agent packer'],
};

const PROGRESS_EVERY_MS = 5_000;

/** What of the log is written among it: on a terminal trouble alone, as long as nobody has said how much they want to see. */
export function logBesideScreen(config: Config, isTty: boolean): LogThreshold {
  const isChosen = config.settings.some(({ name, origin }) => name === 'LOG_LEVEL' && origin !== 'default');
  return isTty && !isChosen ? 'warn' : 'debug';
}

export class Screen {
  readonly #options: ScreenOptions;
  #shownAtMs = Number.NEGATIVE_INFINITY;
  /** The line that is rewritten in place, or empty. */
  #open = '';

  constructor(options: ScreenOptions) {
    this.#options = options;
  }

  first(screen: FirstScreen): void {
    const rows: [string, string][] = [['data', `${screen.dataDir}${screen.newFolder ? ' (new)' : ''}`]];
    if (screen.signInUrl !== null) rows.push(['sign in', `${screen.signInUrl}   (works once, for 15 minutes)`]);
    if (screen.url !== null) rows.push(['status', `${screen.url}/status`]);
    if (screen.socket !== null && screen.url === null) rows.push(['socket', screen.socket]);
    if (!screen.powerSafe) rows.push(['database', 'embedded; survives a crash of the program, not a power cut']);
    rows.push(...DEMO[screen.demo].map((text, index): [string, string] => [index === 0 ? 'demo' : '', text]));
    rows.push(['next', 'bin/seed agents:list   ·   bin/seed --help']);
    this.#line(`\nSeed Agent ${screen.version}   node ${process.versions.node}   pid ${process.pid}`);
    for (const [name, value] of rows) this.#line(`  ${name.padEnd(9)} ${value}`);
    this.#line('');
  }

  /** One line of an improvement; progress is rewritten in place on a terminal, and thinned elsewhere. */
  improvement(event: ImprovementEvent, nowMs: number): void {
    if (event.type === 'stage_started' || event.type === 'stage_finished') return;
    const text = `  ${describe(event)}`;
    if (event.type !== 'search_progressed') return this.#line(text);
    if (this.#options.isTty) {
      // A line that wraps could not be taken back. The cursor goes home, so that a log record does not begin in the middle.
      this.#open = text.slice(0, (this.#options.columns?.() ?? 80) - 1);
      this.#options.write(`\u001b[K${this.#open}\r`);
    } else if (nowMs - this.#shownAtMs >= PROGRESS_EVERY_MS) {
      this.#shownAtMs = nowMs;
      this.#line(text);
    }
  }

  /** Elsewhere the log says it. */
  stopping(): void {
    if (this.#options.isTty) this.#line('\n  stopping: calls in flight end first (Ctrl-C again: at once)');
  }

  note(text: string): void {
    this.#line(`  ${text}`);
  }

  #line(text: string): void {
    this.#options.write(this.#open === '' ? `${text}\n` : `\u001b[K${this.#open}\n${text}\n`);
    this.#open = '';
  }
}
