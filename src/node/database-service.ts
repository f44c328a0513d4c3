// The database of the node, what is stored of its settings, and what its events are told to.
import { join } from 'node:path';
import { openPglite } from '#db/databases/pglite.ts';
import { endFormerLife } from '#db/former-life.ts';
import { migrate } from '#db/migrations.ts';
import { Outbox } from '#db/outbox.ts';
import { SettingsView } from '#domains/config/settings-view.ts';
import { streamChannel } from '#domains/evolution/improver.ts';
import type { Service } from '#kernel/supervisor/service-child.ts';
import { isSeedError } from '#lib/error.ts';
import type { Parts } from './parts.ts';
import { reportTo } from './report-error.ts';
import { logBesideScreen } from './screen.ts';

export async function startDatabase(parts: Parts): Promise<Service> {
  const { config, configSources, telemetry } = parts.ground;
  const database = await openPglite({ folder: join(config.data.dir, 'database'), onError: reportTo(parts, 'db.background.failed') });
  await migrate(database);
  await endFormerLife(database).catch((error: unknown) => {
    // What is stored is served from a full disk too; the leases of the former life then run out by themselves.
    if (!isSeedError(error) || error.code !== 'storage_full') throw error;
    reportTo(parts, 'db.former_life.failed')(error);
  });
  parts.set('database', database);
  const settings = new SettingsView(config, configSources, (changed) => {
    telemetry.output.level = changed.telemetry.logLevel;
    telemetry.output.written = logBesideScreen(changed, process.stderr.isTTY);
  });
  await settings.adopt(database);
  parts.set('settings', settings);
  const outbox = new Outbox({
    database,
    publish: (message) => database.notify(streamChannel(message.key)),
    onError: reportTo(parts, 'db.outbox.failed'),
  });
  const failure = database.failed.then((error) => {
    throw error;
  });
  return {
    exited: failure,
    close: async () => {
      await outbox.close();
      await database.close();
    },
  };
}
