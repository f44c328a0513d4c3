// npm run fix: everything that verify finds and a program can mend.
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const root = path.dirname(import.meta.dirname);
for (const [program = '', ...args] of [['node', 'scripts/generate.ts'], ['oxlint', '--fix'], ['oxfmt']]) {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: 'inherit' });
  if (error !== undefined) throw error;
  if (status !== 0) process.exitCode = 1;
}
