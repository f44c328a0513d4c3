// The root supervisor: one child, the node, which it starts, restarts with back-off, and drains on a signal.
import { EXIT_CODE } from '#lib/exit-code.ts';
import type { ProcessExit } from '#lib/process.ts';

import { systemClock, type Clock } from './clock.ts';
import type { SupervisorEvent } from './event.ts';
import { formatExitReason, processExit, type ExitReason } from './exit-reason.ts';
import { processChild } from './process-child.ts';
import { rootArgument, type RootInfo } from './root-link.ts';
import { Supervisor } from './supervisor.ts';

export interface RootOptions {
  /** The program, its flags and the node's script. */
  command: readonly [string, ...string[]];
  /** Arguments for the node itself. */
  args: readonly string[];
  signals: Pick<NodeJS.EventEmitter, 'on'>;
  /** One line for people. */
  report: (message: string) => void;
  random?: () => number;
  clock?: Clock;
}

/** How long the node may take to finish the calls it has. */
const DRAIN_MS = 35_000;
/** A terminal's Ctrl-C reaches the whole group, and npm and our own launcher pass it on: within this time it is one. */
const SAME_INTERRUPT_MS = 500;
const LIFELINE_FD = 3;
/** A node that can not even start fails six times in about ten seconds: then this process ends too, where everybody sees it. */
const FLAGS = { intensity: 5, periodMs: 60_000 };
const NOT_RESTARTED: readonly (number | null)[] = [EXIT_CODE.configuration, EXIT_CODE.doNotRestart];

/** Runs until the node has ended for good. @returns the exit code for this process. */
export async function runRoot(options: RootOptions): Promise<number> {
  const { command, args, signals, report, random = Math.random, clock = systemClock } = options;
  const [program, ...flags] = command;
  const info = { pid: process.pid, startedAt: new Date(clock.now()).toISOString(), lifelineFd: LIFELINE_FD };
  let lives = 0;
  let lastExit: RootInfo['lastExit'] = null;
  let exitCode: number = EXIT_CODE.ok;

  const root = new Supervisor({
    id: 'root',
    clock,
    onEvent,
    ...FLAGS,
    restartDelayMs: (restarts) => backOffMs(restarts, random),
    children: [
      {
        id: 'node',
        // Transient, with every exit an error but those agreed upon: so it is as good as permanent, and can still end for good.
        restart: 'transient',
        shutdownMs: DRAIN_MS,
        start: processChild({
          command: program,
          args: () => [...flags, rootArgument({ ...info, lastExit, restarts: lives++ }), ...args],
          spawn: { env: 'inherit', stdio: ['ignore', 'inherit', 'inherit', 'pipe'] },
          exitReason: nodeExit,
        }),
      },
    ],
  });

  function onEvent(event: SupervisorEvent): void {
    if (event.type === 'exit') nodeExited(event.reason, event.asked);
    else if (event.type === 'start_error') report(`the node could not be started (${formatExitReason(event.reason)})`);
    else if (event.type === 'escalation') {
      fail(`the node failed more than ${FLAGS.intensity} times in ${FLAGS.periodMs / 1000} s: giving up`, EXIT_CODE.tooManyRestarts);
    }
  }

  function nodeExited(reason: ExitReason, asked: boolean): void {
    lastExit = { kind: reason.kind, message: reason.message ?? null, at: new Date(clock.now()).toISOString() };
    const agreed = reason.kind === 'shutdown';
    if (!asked && agreed) void nodeEnded(Number(reason.detail));
    if (!asked && !agreed) report(`the node ended (${formatExitReason(reason)})`);
    if (asked && !agreed && exitCode === EXIT_CODE.ok)
      fail(`the node did not end in good order (${formatExitReason(reason)})`, EXIT_CODE.failure);
  }

  async function nodeEnded(code: number): Promise<void> {
    if (code === EXIT_CODE.restart) {
      report('the node asked to be restarted');
      const restarted = await root.restartChild('node');
      if (restarted.ok || restarted.error === 'stopped') return;
      fail(restarted.message, EXIT_CODE.failure);
    } else exitCode = code;
    root.shutdown();
  }

  function fail(message: string, code: number): void {
    exitCode = code;
    report(message);
  }

  listen(root, { signals, clock, report, onInterrupt: () => (exitCode = EXIT_CODE.interrupted) });
  try {
    await root.start();
  } catch {
    // Reported as an event.
    return EXIT_CODE.failure;
  }
  await root.exited;
  return exitCode;
}

/** The node's exit codes as reasons. A node that ends with 0 unasked has failed too: it is meant to run for ever. */
export function nodeExit(exit: ProcessExit): ExitReason {
  if (exit.code === EXIT_CODE.restart || NOT_RESTARTED.includes(exit.code)) {
    return { kind: 'shutdown', detail: exit.code, message: `exit code ${exit.code}` };
  }
  return exit.code === EXIT_CODE.ok ? { kind: 'error', message: 'exit code 0 without being asked' } : processExit(exit);
}

/** 50 to 100 ms after the first failure of a period, doubled each time, at most 10 s; the spread keeps nodes of a cluster apart. */
export function backOffMs(restarts: number, random: () => number): number {
  return Math.min(10_000, 100 * 2 ** (restarts - 1)) * (0.5 + random() / 2);
}

function listen(
  root: Supervisor,
  options: Required<Pick<RootOptions, 'signals' | 'clock' | 'report'>> & { onInterrupt: () => void },
): void {
  const { signals, clock, report, onInterrupt } = options;
  let signalled = false;
  let mayInterrupt = false;
  const drain = (signal: string) => {
    if (signalled) return;
    signalled = true;
    root.shutdown();
    const timer = clock.setTimeout(() => {
      mayInterrupt = true;
      report(`${signal}: the node finishes what it has begun; SIGINT (Ctrl-C) ends it now`);
    }, SAME_INTERRUPT_MS);
    void root.exited.then(() => timer.cancel());
  };
  for (const signal of ['SIGTERM', 'SIGHUP']) signals.on(signal, () => drain(signal));
  signals.on('SIGINT', () => {
    if (!mayInterrupt) return drain('SIGINT');
    onInterrupt();
    root.kill();
  });
}
