// node scripts/run.mjs <script.ts> [arguments]: what npm start, npm test and the others go through.
// npm's own pre-scripts can not set up: `ignore-scripts` suppresses them, and the shell has found the old Node by then.
import { launch } from './launch.mjs';

const [script, ...args] = process.argv.slice(2);
if (script === undefined) {
  process.stderr.write('usage: node scripts/run.mjs <script> [arguments]\n');
  process.exit(2);
}
await launch(script, args);
