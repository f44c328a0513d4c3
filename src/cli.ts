// The command line's entry: reads settings, finds the node, runs one command. Light: what a command does not need is not loaded.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCatalogue } from '#interfaces/cli/catalogue-file.ts';
import type { ConnectionSettings } from '#interfaces/cli/node-address.ts';
import { runCli } from '#interfaces/cli/run.ts';
import { SeedError } from '#lib/error.ts';
import type { CatalogueEntry } from '#operation/catalogue-entry.ts';

const ROOT = join(import.meta.dirname, '..');
const version = readFileSync(join(ROOT, 'VERSION'), 'utf8').trim();

const interrupt = new AbortController();
// Ctrl-C ends what runs in good order; what does not end then, or a second one, ends the process.
process.once('SIGINT', () => {
  interrupt.abort();
  setTimeout(() => process.exit(130), 1_000).unref();
});
// A reader that has seen enough (`seed … | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
process.stderr.on('error', () => undefined);

const catalogue = () => readCatalogue(join(ROOT, 'src/interfaces/cli/catalogue.json'));

process.exitCode = await runCli(process.argv.slice(2), {
  terminal: process,
  version,
  signal: interrupt.signal,
  catalogue,
  connect: async (trace) => {
    const { connect } = await import('#interfaces/cli/connect.ts');
    return await connect(await settings(), { version, trace });
  },
  remoteCatalogue: async () => {
    const { connect } = await import('#interfaces/cli/connect.ts');
    const { fetchCatalogue } = await import('#interfaces/cli/catalogue-file.ts');
    return await fetchCatalogue(await connect(await settings(), { version }), interrupt.signal);
  },
  local: async (entry, input, signal) => {
    const { operations } = await import('#domains/index.ts');
    const { runLocal } = await import('#domains/dev/local.ts');
    const { helpOn } = await import('#interfaces/cli/help.ts');
    const { PLAIN } = await import('#interfaces/cli/help-style.ts');
    const entries = catalogue();
    const help = (words: readonly string[], { all }: { all: boolean }) => helpOn(words, entries, { version, all, style: PLAIN });
    const observe = async ({ everyMs }: { everyMs: number }): Promise<string> => {
      const { connect } = await import('#interfaces/cli/connect.ts');
      const view = await import('#interfaces/cli/observe/observe.ts');
      const client = await connect(await settings(), { version });
      return await view.observe({ terminal: process, client, everyMs, signal, find: (name) => knownEntry(entries, name) });
    };
    return await runLocal(entry.name, input, { operations, version, signal, help, observe });
  },
});

function knownEntry(entries: readonly CatalogueEntry[], name: string): CatalogueEntry {
  const entry = entries.find((one) => one.name === name);
  if (entry === undefined) throw new SeedError('internal', `there is no operation ${name}`);
  return entry;
}

async function settings(): Promise<ConnectionSettings> {
  const { loadConfig } = await import('./config.ts');
  const here = loadConfig();
  const isChosen = here.settings.some(({ name, origin }) => name === 'DATA_DIR' && origin !== 'default');
  // From any other folder: the node of this installation, as started there.
  const isElsewhere = !isChosen && !existsSync(join(here.data.dir, 'node.json'));
  const { data, cli } = isElsewhere ? loadConfig({ cwd: ROOT }) : here;
  return { dataDir: data.dir, url: here.cli.url ?? cli.url ?? undefined, token: here.cli.token ?? cli.token ?? undefined };
}
