// A disk of its own that can be filled without hurting anybody: a tmpfs in a mount namespace, which needs no rights on Linux.
// Everybody reaches it through the process that holds the namespace, and it is gone with that process.
import { once } from 'node:events';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand, spawnProcess } from './process.ts';

const ENV = { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin' };

export interface SmallDisk extends AsyncDisposable {
  /** A folder on it. */
  path: string;
  /** Takes all the room but this. Again: takes more, never less. */
  fill: (leaveBytes: number) => Promise<void>;
  /** Gives back what `fill` took. */
  free: () => Promise<void>;
  /** From here on nobody writes to it. */
  makeReadOnly: () => Promise<void>;
}

export async function smallDisk(sizeMb: number): Promise<SmallDisk> {
  const folder = await mkdtemp(join(tmpdir(), 'seed-disk-'));
  const script = 'mount -t tmpfs -o "size=$1k,mode=700" tmpfs "$0" && echo mounted && exec sleep infinity';
  const holder = spawnProcess(
    '/usr/bin/unshare',
    ['--user', '--map-root-user', '--mount', 'sh', '-c', script, folder, String(sizeMb * 1024)],
    {
      env: ENV,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const [mounted] = (await Promise.race([once(holder.pipe(1), 'data'), holder.exited.then(() => [])])) as unknown[];
  if (mounted === undefined) throw new Error('no disk could be mounted: this test needs Linux with user namespaces');
  const path = join(`/proc/${holder.pid}/root`, folder);
  let ballasts = 0;
  return {
    path,
    fill: async (leaveBytes) => {
      const { bavail, bsize } = await statfs(path);
      ballasts += 1;
      await writeFile(join(path, `ballast-${ballasts}`), Buffer.alloc(Math.max(0, bavail * bsize - leaveBytes))).catch((error: unknown) => {
        // Others write too while it is filled: then it is full already.
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      });
    },
    free: async () => {
      for (; ballasts > 0; ballasts -= 1) await rm(join(path, `ballast-${ballasts}`), { force: true });
    },
    makeReadOnly: async () => {
      const args = ['--user', '--mount', '--preserve-credentials', `--target=${holder.pid}`, 'mount', '-o', 'remount,ro', folder];
      const { code, stderr } = await runCommand('/usr/bin/nsenter', args, { env: ENV, timeoutMs: 10_000 });
      if (code !== 0) throw new Error(`the disk could not be made read-only: ${stderr}`);
    },
    [Symbol.asyncDispose]: async () => {
      await holder[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
