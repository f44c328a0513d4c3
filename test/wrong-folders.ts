// A folder for AGENTS_DIR with one agent as it should be among all that can be wrong with one.
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { agentOf, contractOf, DOUBLE } from './fixtures.ts';

const agent = (name: string, code = agentOf(DOUBLE)) => ({ 'contract.ts': contractOf(name), 'agent.ts': code });

export async function agentsFolder(folder: string): Promise<void> {
  const folders: Record<string, Record<string, string>> = {
    good: agent('good'),
    'BAD-Name': agent('bad-name'),
    'with space': agent('with-space'),
    large: agent('large', `${agentOf(DOUBLE)}// ${'x'.repeat(1_048_577 - agentOf(DOUBLE).length - 3)}`),
    many: { ...agent('many'), ...Object.fromEntries(Array.from({ length: 199 }, (_, index) => [`f${index}.ts`, ''])) },
    'other-name': agent('good'),
    syntax: agent('syntax', 'const a = 1;\nconst b = ;\n'),
    'no-example': {
      'contract.ts': contractOf('no-example', 'examples: [{ input: { n: 1 }, output: { n: 3 } }],'),
      'agent.ts': agentOf(DOUBLE),
    },
    'no-code': { 'contract.ts': contractOf('no-code') },
    // Nobody said that these are agents.
    notes: { 'README.md': 'not an agent' },
    '.git': agent('git'),
  };
  for (const [name, files] of Object.entries(folders)) {
    await mkdir(join(folder, name));
    await Promise.all(Object.entries(files).map(([path, text]) => writeFile(join(folder, name, path), text)));
  }
  // Who opens it waits for ever.
  execFileSync('/usr/bin/mkfifo', [join(folder, 'good', 'pipe.ts')]);
}
