// For tests and the benchmark: a process that writes versions and activates them until it is killed, and says each step it has
// done: `kept <hash> <hash>`, then `active <hash>` for either. Arguments: root, keys, first number.
import { MemoryArtifactStore, versionOf } from './artifact-store.fixture.ts';
import { CodeStore } from './code-store.ts';

const [root = '', keysDir = '', from = '1'] = process.argv.slice(2);
const store = await CodeStore.open({ root, keysDir, durable: new MemoryArtifactStore(Number(from)) });
process.stdout.write('ready\n');
for (let content = Number(from); ; content += 1) {
  // Large enough to be caught in the middle of it.
  const js = `var __seed_module = ${JSON.stringify('x'.repeat(128 * 1024) + content)};\n`;
  const versions = await Promise.all([0, 1].map((half) => store.put(versionOf(`${content} ${half}`, { js }))));
  process.stdout.write(`kept ${versions.map(({ artifact }) => artifact.hash).join(' ')}\n`);
  for (const { artifact } of versions) {
    await store.activate('packer', artifact.hash);
    process.stdout.write(`active ${artifact.hash}\n`);
  }
}
