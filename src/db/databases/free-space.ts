// Looks at the disk before it is full: Postgres survives a full disk under its tables, but not under its log.
import { statfs } from 'node:fs/promises';

export interface FreeSpace {
  /** As of the last look. */
  low(): boolean;
  close(): void;
}

/** @param limits below `minFreeBytes` it is low; looked at every `everyMs` */
export async function watchFreeSpace(
  folder: string,
  limits: { minFreeBytes: number; everyMs: number; onError: (error: unknown) => void },
): Promise<FreeSpace> {
  let low = false;
  const look = async (): Promise<void> => {
    try {
      const { bavail, bsize } = await statfs(folder);
      low = bavail * bsize < limits.minFreeBytes;
    } catch (error) {
      limits.onError(error);
    }
  };
  await look();
  const timer = setInterval(() => void look(), limits.everyMs).unref();
  return { low: () => low, close: () => clearInterval(timer) };
}
