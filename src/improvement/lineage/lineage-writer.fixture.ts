// Writes candidates down until it is killed, and says of each when it is there.
import { Lineage } from './lineage.ts';

const [folder = '', scratch = '', from = ''] = process.argv.slice(2);
const lineage = new Lineage({ folder, scratch, searchPath: process.argv[5] ?? '' });
for (let number = Number(from); ; number += 1) {
  const commit = await lineage.record(`packer/try-${number}`, {
    subject: `packer: try ${number}`,
    body: '',
    files: { 'agent.ts': `export const n = ${number};\n` },
    author: { name: 'genetic', atMs: 1_700_000_000_000 + number },
    note: { agent: 'packer', proposer: 'genetic', verdict: 'accepted', version: number, hash: `a${number}` },
    parent: null,
  });
  process.stdout.write(`${number} ${commit}\n`);
}
