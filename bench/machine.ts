// The machine a figure belongs to.
import { availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os';

export function machine() {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memory_gb: Math.round(totalmem() / 2 ** 30),
    os: `${platform()} ${release()}`,
    load_1m: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    date: new Date().toISOString().slice(0, 10),
  };
}
