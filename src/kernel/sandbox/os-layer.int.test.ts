// What a program inside an operating-system layer can reach: everything is tried from inside, without Node's own permission model, and
// the same program without the layer reaches all of it, so that the trial is known to see.
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { identifyProcess } from '#lib/process-identity.ts';
import { spawnProcess } from '#lib/process.ts';
import { availableLayers, osLayer } from './available-layers.ts';
import { bubblewrap, spawnInLayer, systemProgram, withoutOsLayer, type OsLayer } from './os-layer.ts';

/** Each answers true when it has reached what it should not. */
const PROBE = `
const fs = require('fs'), net = require('net'), dgram = require('dgram'), child = require('child_process');
const [tcpPort, udpPort, secret, pid, folder] = JSON.parse(process.argv[1]);
const tried = (work) => { try { return work() !== false; } catch { return false; } };
let refusal;
const connected = new Promise((resolve) => {
  const socket = net.connect(tcpPort, '127.0.0.1', () => resolve(true));
  socket.on('error', ({ code }) => resolve((refusal = code, false)));
});
const sent = new Promise((resolve) => {
  const socket = dgram.createSocket('udp4');
  socket.on('error', () => resolve(false));
  socket.send('x', udpPort, '127.0.0.1', (error) => { resolve(error === null); socket.close(); });
});
(async () => {
  await sent;
  const reached = {
    tcp: await connected,
    interfaces: tried(() => Object.values(require('os').networkInterfaces()).length > 0),
    passwd: tried(() => fs.readFileSync('/etc/passwd')),
    secret: tried(() => fs.readFileSync(secret)),
    environment: tried(() => fs.readFileSync('/proc/' + pid + '/environ').length > 0),
    processes: tried(() => fs.readdirSync('/proc').filter((name) => /^\\d+$/.test(name)).length > 4),
    write: tried(() => { fs.writeFileSync(folder + '/written', 'x'); }),
    temporary: tried(() => { fs.writeFileSync('/tmp/seed-written', 'x'); fs.rmSync('/tmp/seed-written'); }),
    root: fs.readdirSync('/').some((name) => ['home', 'root', 'var', 'sys', 'dev'].includes(name)),
    etc: tried(() => fs.readdirSync('/etc').some((name) => !['ld.so.cache', 'alpine-release'].includes(name))),
    signal: tried(() => process.kill(pid, 0)),
    shell: child.spawnSync('/bin/sh', ['-c', 'true']).status === 0,
    large: tried(() => { fs.writeFileSync(folder + '/large', Buffer.alloc(1e6)); }),
  };
  const status = fs.readFileSync('/proc/self/status', 'utf8');
  const state = (name) => new RegExp('^' + name + ':\\\\s*(\\\\S+)', 'm').exec(status)?.[1];
  process.stdout.write(JSON.stringify({ reached, refusal, program: child.spawnSync(process.execPath, ['--version']).error?.code ?? 'runs', capabilities: state('CapEff'), noNewPrivileges: state('NoNewPrivs'), core: /Max core file size\\s+(\\S+)/.exec(fs.readFileSync('/proc/self/limits', 'utf8'))?.[1] }));
})();
`;

interface Seen {
  reached: Readonly<Record<string, boolean>>;
  /** How a connection failed. */
  refusal?: string;
  /** What becomes of starting another process. */
  program: string;
  capabilities: string;
  noNewPrivileges: string;
  core: string;
}

let folder: string;
let ports: [number, number];
const tcp = createServer((socket) => socket.end());
const udp = createSocket('udp4');
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'seed-layer-'));
  writeFileSync(join(folder, 'secret'), 'canary');
  await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
  await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve));
  ports = [(tcp.address() as AddressInfo).port, udp.address().port];
});
afterAll(() => {
  tcp.close();
  udp.close();
  rmSync(folder, { recursive: true, force: true });
});

async function look(layer: OsLayer): Promise<Seen> {
  const about = JSON.stringify([...ports, join(folder, 'secret'), process.pid, folder]);
  await using child = spawnInLayer(layer, ['-e', PROBE, about], { readable: [], stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  const heard: string[] = [];
  const hear = (message: Buffer): number => heard.push(message.toString());
  udp.on('message', hear);
  child.pipe(1).on('data', (chunk: Buffer) => (said += chunk.toString()));
  await child.exited;
  // One of our own comes after whatever came before it.
  udp.send('last', ports[1], '127.0.0.1');
  await vi.waitFor(() => expect(heard).toContain('last'));
  udp.off('message', hear);
  const seen = JSON.parse(said) as Seen;
  return { ...seen, reached: { ...seen.reached, udp: heard.includes('x') } };
}

const reachedBy = ({ reached }: Seen): string[] => Object.keys(reached).filter((name) => reached[name] === true);

describe.runIf(process.platform === 'linux')('inside', async () => {
  const { layers, reasons } = await availableLayers();
  const layerOf = (kind: OsLayer['kind']) => layers.find((layer) => layer.kind === kind);

  test('no layer everything can be reached but a large file: the trial sees', async () => {
    const seen = await look(withoutOsLayer);
    expect(reachedBy(seen).toSorted()).toEqual(
      'environment etc interfaces passwd processes root secret shell signal tcp temporary udp write'.split(' '),
    );
    expect(seen.core).toBe('0');
  });

  test.skipIf(layerOf('bubblewrap') === undefined)('bubblewrap nothing can be', async () => {
    const seen = await look(layerOf('bubblewrap') as OsLayer);
    // Its own loopback, on which nobody listens.
    expect(reachedBy(seen).filter((name) => name !== 'interfaces')).toEqual([]);
    expect(seen).toMatchObject({ capabilities: '0000000000000000', noNewPrivileges: '1', core: '0' });
    // The filter stands before the namespaces do.
    if (layerOf('bubblewrap')?.filter !== null) expect(seen).toMatchObject({ refusal: 'EPERM', program: 'EPERM' });
  });

  test.skipIf(layerOf('bubblewrap') === undefined)('bubblewrap without a filter on system calls nothing can be either', async () => {
    const seen = await look(bubblewrap(systemProgram('bwrap') ?? '', null));
    expect(reachedBy(seen).filter((name) => name !== 'interfaces')).toEqual([]);
    expect(seen).toMatchObject({ capabilities: '0000000000000000', noNewPrivileges: '1', refusal: 'ECONNREFUSED', program: 'runs' });
  });

  test.skipIf(layerOf('namespaces') === undefined)('namespaces alone the network can not be, and there are no rights', async () => {
    const seen = await look(layerOf('namespaces') as OsLayer);
    expect(reachedBy(seen)).not.toContain('tcp');
    expect(reachedBy(seen)).not.toContain('udp');
    expect(seen).toMatchObject({ capabilities: '0000000000000000', noNewPrivileges: '1' });
  });

  test('the best that this machine grants is taken, and why it is not more is said', async () => {
    const layer = await osLayer();
    expect(layer.kind).toBe(layers[0]?.kind ?? 'none');
    if (layer.kind !== 'bubblewrap') for (const reason of reasons) expect(layer.why).toContain(reason);
  });

  test.skipIf(layerOf('bubblewrap') === undefined)('bubblewrap: all of it is gone when what was started is', async () => {
    const layer = layerOf('bubblewrap') as OsLayer;
    const script = 'process.stdout.write("on"); let x = 3n; for (;;) x = x * x;';
    const [file, ...args] = layer.wrap([process.execPath, '-e', script], { readable: [], filterFd: null });
    // Of the outermost process alone, as when the node is killed and it dies with it.
    const child = spawnProcess(file, args, { env: {}, cwd: '/', stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => child.pipe(1).once('data', resolve));
    const { readFileSync } = await import('node:fs');
    const below = (pid: number): number[] => {
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
      return [...children, ...children.flatMap(below)];
    };
    const family = below(child.pid).flatMap((pid) => identifyProcess(pid) ?? []);
    expect(family).toHaveLength(2);
    process.kill(child.pid, 'SIGKILL');
    await child.exited;
    await expect.poll(() => family.map(({ pid }) => identifyProcess(pid)?.startTicks ?? null)).toEqual([null, null]);
  });
});
