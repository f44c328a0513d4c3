// The operating system's layer around the hosts of a whole node: what /health/deep and system:status say of it, and that all still works.
import { expect, test } from 'vitest';
import { osLayer } from '#kernel/sandbox/available-layers.ts';
import { COUNTER, createAgents, upload } from './fixtures.ts';
import { startSeed } from './seed-process.ts';

const { kind, filter } = await osLayer();

test.skipIf(kind !== 'bubblewrap')(
  'SANDBOX_REQUIRE=os starts where bubblewrap works: agents are called, versions are made, and every layer is there',
  async () => {
    await using seed = await startSeed({ env: { SANDBOX_REQUIRE: 'os' } });
    await createAgents(seed, [upload('counter', COUNTER, "capabilities: ['state'],")]);
    for (const n of [1, 2, 3]) {
      const { body } = await seed.api<{ data: { n: number } }>('POST', '/api/agents/counter/invoke', { input: { n: 1 } });
      expect(body.data).toEqual({ n });
    }
    interface Layers {
      data: { sandbox: { layer: string; present: boolean | null }[] };
      sandbox: { layer: string; present: boolean | null }[];
    }
    const status = await seed.api<Layers>('GET', '/api/system/status');
    const absent = status.body.data.sandbox.filter(({ present }) => present !== true).map(({ layer }) => layer);
    // Control groups are a matter of who started this node.
    expect(absent.filter((layer) => layer !== 'cgroup')).toEqual(filter === null ? ['seccomp'] : []);
    const deep = await seed.api<Layers>('GET', '/health/deep');
    expect(deep.body.sandbox.map(({ layer }) => layer)).toEqual(status.body.data.sandbox.map(({ layer }) => layer));
  },
);
