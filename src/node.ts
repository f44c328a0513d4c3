// Composition root of a node: binds its port first, then starts its supervision tree, and ends in order when it is asked to.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig, type ConfigSources } from './config.ts';
import { loadAdminToken } from '#domains/identity/index.ts';
import { storedSettings } from '#domains/config/settings-view.ts';
import type { NodePorts } from '#domains/ports.ts';
import { checkSocketPath, HttpServer } from '#interfaces/http/http-server.ts';
import { BackOff } from '#kernel/supervisor/back-off.ts';
import { systemClock } from '#kernel/supervisor/clock.ts';
import { ProcessRegistry } from '#kernel/supervisor/process-registry.ts';
import { onRootGone, takeRootArgument } from '#kernel/supervisor/root-link.ts';
import { Supervisor } from '#kernel/supervisor/supervisor.ts';
import { EXIT_CODE } from '#lib/exit-code.ts';
import { toSeedError } from '#lib/error.ts';
import { emit } from '#telemetry/emit.ts';
import { Telemetry } from '#telemetry/telemetry.ts';
import { nodeChildren } from './node/children.ts';
import { CodingClis } from './node/coding-clis.ts';
import { beginDatabase } from './node/database-service.ts';
import { nodeId, removeAddress, writeAddress } from './node/identity-file.ts';
import { Parts, type Ground } from './node/parts.ts';
import { loadPolicy } from './node/policy.ts';
import { logBesideScreen, Screen } from './node/screen.ts';
import { checkSandbox } from './node/required-sandbox.ts';
import { checkFolders, makeDataFolder } from './node/setting-folders.ts';
import { observeSupervision } from './node/supervision-events.ts';

const startedAtMs = Date.now();
const { root, args } = takeRootArgument(process.argv.slice(2));
// Without its root nobody would start this node again, or stop it.
if (root !== undefined) onRootGone(root, () => process.kill(process.pid, 'SIGKILL'));

try {
  await run();
} catch (thrown) {
  const error = toSeedError(thrown);
  process.stderr.write(`error: ${error.message}\n${error.hint === undefined ? '' : `try: ${error.hint}\n`}`);
  if (error.code === 'internal') process.stderr.write(`${error.cause instanceof Error ? error.cause.stack : error.stack}\n`);
  process.exit(error.code === 'configuration' ? EXIT_CODE.configuration : EXIT_CODE.failure);
}

async function run(): Promise<void> {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  // Where the data folder is must be known before what is stored in it.
  const dataDir = loadConfig({ args }).data.dir;
  const { created } = await makeDataFolder(dataDir);
  const configSources: ConfigSources = { args, store: await storedSettings(dataDir) };
  const config = loadConfig(configSources);
  await checkFolders(config);
  await checkSandbox(config);
  const policy = await loadPolicy(config);
  const socket = join(dataDir, 'seed.sock');
  checkSocketPath(socket);
  const id = await nodeId(dataDir, config.node.id);
  const telemetry = new Telemetry({
    version,
    node: id,
    level: config.telemetry.logLevel,
    written: logBesideScreen(config, process.stderr.isTTY),
  });
  emit('seed_agent.node.start', {}, { node: id, version, mode: 'embedded' });

  const http = new HttpServer<NodePorts>({ version, publicUrl: config.http.publicUrl ?? undefined });
  const bound = config.http.enabled ? await http.listen({ host: config.http.host, port: config.http.port }) : null;
  if (config.metrics.port !== null) await http.listenProbes({ host: config.http.host, port: config.metrics.port });
  const url = bound === null ? null : (config.http.publicUrl ?? `http://${hostInUrl(bound.host)}:${bound.port}`);

  const registry = new ProcessRegistry({
    folder: join(dataDir, 'run'),
    onError: (error) => telemetry.log.warn({ event: 'processes.record.failed', error: String(error) }, 'a process could not be recorded'),
  });
  const orphans = await registry.sweep();
  if (orphans.length > 0)
    telemetry.log.warn({ event: 'processes.orphans.swept', orphans }, `${orphans.length} processes of a former life were ended`);
  const forget = root === undefined ? undefined : registry.record(process.pid, { label: 'node', parentPid: root.pid });

  const stopping = Promise.withResolvers<{ reason: string; exitCode: number }>();
  const ground: Ground = {
    config,
    policy,
    configSources,
    info: { id, version, mode: 'embedded', startedAtMs, url },
    root,
    telemetry,
    http,
    adminToken: (await loadAdminToken(dataDir)).token,
    newFolder: created,
    socket,
    screen: new Screen({ write: (text) => process.stdout.write(text), isTty: process.stdout.isTTY, columns: () => process.stdout.columns }),
    processes: registry,
    codingClis: new CodingClis(config),
    stop: (reason, exitCode) => stopping.resolve({ reason, exitCode }),
    monotonicMs: () => performance.now(),
  };
  const address = {
    url,
    socket,
    pid: process.pid,
    root_pid: root?.pid ?? process.pid,
    started_at: new Date(startedAtMs).toISOString(),
    version,
  };
  const parts = new Parts(ground);
  beginDatabase(parts);
  const backOff = parts.set('backOff', new BackOff({ start: (id) => parts.get('node').restartChild(id), clock: systemClock }));
  const children = nodeChildren(parts);
  const mayGiveUp = new Set(children.filter(({ type, restart }) => type === 'supervisor' && restart === 'transient').map(({ id }) => id));
  const observe = observeSupervision(telemetry);
  const node = parts.set(
    'node',
    new Supervisor({
      id: 'node',
      strategy: 'rest_for_one',
      intensity: 3,
      periodMs: 30_000,
      children,
      onEvent: (event) => {
        observe(event);
        if (event.path.length === 2 && mayGiveUp.has(event.id)) backOff.take(event);
      },
    }),
  );
  process.on('SIGTERM', () => ground.stop('SIGTERM', EXIT_CODE.ok));
  process.on('SIGINT', () => ground.stop('SIGINT', EXIT_CODE.ok));
  void node.exited.then(() => ground.stop('the supervision tree has ended', EXIT_CODE.failure));

  await node.start();
  // Only the owner of the folder, which the database has just made sure of, may take the place of a socket that is there.
  await http.listenSocket(socket);
  await writeAddress(dataDir, { ...address, ready: true });
  emit('seed_agent.node.ready', { duration_us: Math.round(performance.now() * 1000) }, { node: id });

  const { reason, exitCode } = await stopping.promise;
  emit('seed_agent.node.stop', {}, { node: id, reason });
  ground.screen.stopping();
  await node.stop();
  ground.codingClis.close();
  await removeAddress(dataDir);
  forget?.();
  await telemetry.close();
  process.exit(exitCode);
}

function hostInUrl(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
