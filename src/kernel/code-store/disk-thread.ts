// The thread that touches CODE_ROOT: writing four files durably is some twenty steps, each of which would wait for its turn
// behind the calls of the event loop.
import { serveThread } from '#lib/thread.ts';
import { makeFolder, probeFolder, readTexts, writeDurably } from './durable-file.ts';

export const diskWork = {
  makeFolder,
  probeFolder,
  readTexts,
  async write(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
    try {
      await writeDurably(folder, files);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      await makeFolder(folder);
      await writeDurably(folder, files);
    }
  },
};

serveThread(diskWork);
