// What must stand around agents' code before a node starts at all.
import type { Config } from '../config.ts';
import { osLayer } from '#kernel/sandbox/available-layers.ts';
import type { OsLayer } from '#kernel/sandbox/os-layer.ts';
import { SeedError } from '#lib/error.ts';

/** @throws SeedError `configuration` when what is required is not there, with the reason */
export async function checkSandbox({ sandbox }: Pick<Config, 'sandbox'>, found: Promise<OsLayer> = osLayer()): Promise<void> {
  // Otherwise it is looked for while the rest starts.
  if (sandbox.require !== 'os') return;
  const { kind, why } = await found;
  if (kind === 'bubblewrap') return;
  throw new SeedError('configuration', `SANDBOX_REQUIRE=os: the operating system's layer is not there (${why})`, {
    hint: 'install bubblewrap and let this user make namespaces (in a container: CAP_SYS_ADMIN, or a seccomp profile that allows unshare and mount), or take SANDBOX_REQUIRE back',
  });
}
