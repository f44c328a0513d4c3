// The witness, on a thread of its own, so that the judge's own work is not taken for a stall.
import { serveThread } from '#lib/thread.ts';
import { HostProcesses, type HostsSeen } from './host-processes.ts';
import { Neighbour, type NeighbourOptions, type Suffered } from './neighbour.ts';

const SAMPLE_MS = 4;
/** Looking for new processes costs some milliseconds. */
const DISCOVER_EVERY = 12;
const CALM_WITHIN_MS = 3_000;

export interface Testimony {
  hosts: HostsSeen;
  neighbour: Suffered;
  /** After the answer, until no host worked on anything any more. */
  lingeredMs: number;
}

let hosts: HostProcesses | null = null;
let neighbour: Neighbour | null = null;
let timer: NodeJS.Timeout | undefined;

export const witness = {
  start(options: NeighbourOptions & { nodePid: number }): void {
    const watched = new HostProcesses(options.nodePid);
    hosts = watched;
    neighbour = new Neighbour(options);
    neighbour.start();
    let samples = 0;
    timer = setInterval(() => {
      watched.sample(performance.now());
      samples += 1;
      if (samples % DISCOVER_EVERY === 0) watched.discover();
    }, SAMPLE_MS);
  },

  begin(): void {
    hosts?.begin();
    neighbour?.begin();
  },

  /** When the attack has been answered. `calmMs`: for so long nothing must have worked hard. */
  async seen(calmMs: number): Promise<Testimony> {
    if (hosts === null || neighbour === null) throw new Error('the witness has not been started');
    const answeredMs = performance.now();
    let seen = hosts.seen();
    while (performance.now() - Math.max(answeredMs, seen.busyUntilMs) < calmMs && performance.now() - answeredMs < CALM_WITHIN_MS) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      seen = hosts.seen();
    }
    return { hosts: seen, neighbour: await neighbour.seen(), lingeredMs: Math.max(0, seen.busyUntilMs - answeredMs) };
  },

  async stop(): Promise<void> {
    clearInterval(timer);
    await neighbour?.stop();
  },
};

serveThread(witness);
