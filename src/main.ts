// The root supervisor's process: small, starts in milliseconds, and runs nobody's code, so that it is there when the node is not.
import { join } from 'node:path';

import { runRoot } from '#kernel/supervisor/root.ts';

const NODE_FLAGS = [
  // The embedded database is WebAssembly: V8's optimiser for it costs half a gigabyte and buys little for small statements.
  '--liftoff-only',
  // Small heaps may become four times what is in use before they are collected: under load a hundred megabytes that come and go.
  '--heap-growing-percent=50',
];

process.exit(
  await runRoot({
    command: [process.execPath, ...NODE_FLAGS, ...process.execArgv, join(import.meta.dirname, 'node.ts')],
    args: process.argv.slice(2),
    signals: process,
    report,
  }),
);

/** To a person as text, to a log as one of the node's own lines. */
function report(message: string): void {
  const line = process.stderr.isTTY ? `seed: ${message}` : JSON.stringify({ level: 40, time: Date.now(), name: 'root', msg: message });
  process.stderr.write(`${line}\n`);
}
