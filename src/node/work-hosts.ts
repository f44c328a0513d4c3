// Hosts for work other than calls: scoring candidates, and looking at versions before anybody may call them.
import type { WorkerHosts } from '#kernel/runtime/worker-hosts.ts';
import type { SandboxHost } from '#kernel/sandbox/sandbox-host.ts';

export interface WorkHosts {
  validator: WorkerHosts<SandboxHost>;
  evaluators: WorkerHosts<SandboxHost>;
}
