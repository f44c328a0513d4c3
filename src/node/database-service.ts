// The database of the node, what is stored of its settings, and what its events are told to.
import { join } from 'node:path';
import type { Database } from '#db/database.ts';
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

/** It opens on a thread of its own, on a new folder for two seconds: meanwhile what does not need it starts. */
export function beginDatabase(parts: Parts): void {
  const opening = open(parts);
  // Told to whoever takes it over.
  void opening.catch(() => undefined);
  void parts.set('opening', opening);
}

function open(parts: Parts): Promise<Database> {
  return openPglite({
    folder: join(parts.ground.config.data.dir, 'database'),
    onError: reportTo(parts, 'db.background.failed'),
  });
}

export async function startDatabase(parts: Parts): Promise<Service> {
  const opening = parts.find('opening') ?? open(parts);
  // Whoever starts it again opens it again.
  void parts.set('opening', null);
  const database = await opening;
  try {
    return await begin(parts, database);
  } catch (error) {
    // Whoever starts it again finds the folder free.
    await database.close();
    throw error;
  }
}

async function begin(parts: Parts, database: Database): Promise<Service> {
  const { config, configSources, telemetry } = parts.ground;
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
      try {
        await outbox.close();
      } catch (error) {
        // One that has failed can not give its lease back; its folder it can.
        reportTo(parts, 'db.outbox.failed')(error);
      } finally {
        await database.close();
      }
    },
  };
}
