// The root supervisor's process: small, starts in milliseconds, and runs nobody's code, so that it is there when the node is not.
import { join } from 'node:path';

import { runRoot } from '#kernel/supervisor/root.ts';

process.exit(
  await runRoot({
    // The embedded database is WebAssembly: V8's optimiser for it costs half a gigabyte and buys little for small statements.
    command: [process.execPath, '--liftoff-only', ...process.execArgv, join(import.meta.dirname, 'node.ts')],
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
