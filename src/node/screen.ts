// What a person sees in the terminal: one short screen when the node is ready, then the demo's progress, then quiet.
import { describe, type ImprovementEvent } from '#improvement/events.ts';

export interface ScreenOptions {
  write: (text: string) => void;
  /** Lines may be rewritten in place. */
  isTty: boolean;
}

export interface FirstScreen {
  version: string;
  dataDir: string;
  newFolder: boolean;
  url: string | null;
  socket: string | null;
  signInUrl: string | null;
  /** What the demo is doing, or null when it does not run. */
  demo: string | null;
  powerSafe: boolean;
}

const PROGRESS_EVERY_MS = 5_000;

export class Screen {
  readonly #options: ScreenOptions;
  #shownAtMs = Number.NEGATIVE_INFINITY;
  #lineOpen = false;

  constructor(options: ScreenOptions) {
    this.#options = options;
  }

  first(screen: FirstScreen): void {
    const rows: [string, string][] = [['data', `${screen.dataDir}${screen.newFolder ? ' (new)' : ''}`]];
    if (screen.signInUrl !== null) rows.push(['sign in', `${screen.signInUrl}   (works once, for 15 minutes)`]);
    if (screen.url !== null) rows.push(['status', `${screen.url}/status`]);
    if (screen.socket !== null && screen.url === null) rows.push(['socket', screen.socket]);
    if (!screen.powerSafe) rows.push(['database', 'embedded; survives a crash of the program, not a power cut']);
    rows.push(['demo', screen.demo ?? 'off']);
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
      this.#options.write(`\r\u001b[K${text}`);
      this.#lineOpen = true;
    } else if (nowMs - this.#shownAtMs >= PROGRESS_EVERY_MS) {
      this.#shownAtMs = nowMs;
      this.#line(text);
    }
  }

  note(text: string): void {
    this.#line(`  ${text}`);
  }

  #line(text: string): void {
    this.#options.write(`${this.#lineOpen ? '\n' : ''}${text}\n`);
    this.#lineOpen = false;
  }
}
