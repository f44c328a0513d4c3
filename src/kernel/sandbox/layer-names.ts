// The layers between agents' code and this machine, from the outermost courtesy to the last wall.
export const SANDBOX_LAYERS = [
  'policy',
  'isolate',
  'environment',
  'permissions',
  'process_group',
  'network',
  'files',
  'processes',
  'privileges',
  'limits',
  'cgroup',
  'seccomp',
  'parent_death',
  'broker',
  'watchdogs',
] as const;

export type SandboxLayerName = (typeof SANDBOX_LAYERS)[number];
