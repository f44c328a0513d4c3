// The disk as the store uses it: durable writes and whole reads, in a thread of their own.
import { Thread } from '#lib/thread.ts';
import type { diskWork } from './disk-thread.ts';

export class Disk {
  readonly #thread = new Thread<typeof diskWork>({ url: new URL('./disk-thread.ts', import.meta.url), name: 'disk' });

  /** As `writeDurably`; the folder is made if it is missing. */
  async write(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
    await this.#thread.call('write', folder, files);
  }

  /** As `makeFolder`. */
  makeFolder(folder: string): Promise<void> {
    return this.#thread.call('makeFolder', folder);
  }

  /** As `probeFolder`. */
  probe(folder: string): Promise<void> {
    return this.#thread.call('probeFolder', folder);
  }

  /** As `readTexts`. */
  read(paths: readonly string[]): Promise<(string | null)[]> {
    return this.#thread.call('readTexts', paths);
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}
