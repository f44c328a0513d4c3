// Agents that only benchmarks use, as uploads.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { spawnProcess, type ChildHandle } from '#lib/process.ts';

const FIXTURES = new URL('./fixtures/', import.meta.url).pathname;

export async function fixtureFiles(name: string): Promise<Record<string, string>> {
  const folder = join(FIXTURES, name);
  const names = await readdir(folder);
  return Object.fromEntries(await Promise.all(names.map(async (file) => [file, await readFile(join(folder, file), 'utf8')] as const)));
}

/** Starts one of the yardstick servers; it prints its port when it listens. */
export async function startServer(file: string, args: readonly string[] = []): Promise<{ url: string; handle: ChildHandle }> {
  const handle = spawnProcess(process.execPath, [join(FIXTURES, file), ...args], {
    env: { PATH: process.env['PATH'] ?? '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = await new Promise<string>((resolve, reject) => {
    handle.stdio[1]?.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
    void handle.exited.then((exit) => reject(new Error(`${file} ended: ${JSON.stringify(exit)}`)));
  });
  return { url: `http://127.0.0.1:${port}`, handle };
}
