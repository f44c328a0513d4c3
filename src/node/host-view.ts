// A sandbox host as operations show it.
import type { HostView } from '#domains/ports.ts';
import type { SandboxHost } from '#kernel/sandbox/sandbox-host.ts';

export function hostView(host: SandboxHost, role: string): HostView {
  const { pid, isolates, executing, calls, versions, rssBytes, heartbeatLagMs } = host.stats();
  return {
    host: role,
    pid,
    isolates,
    executing,
    calls,
    versions,
    memoryMb: rssBytes === null ? null : Math.round(rssBytes / 1_048_576),
    lagMs: Math.round(heartbeatLagMs * 10) / 10,
  };
}
