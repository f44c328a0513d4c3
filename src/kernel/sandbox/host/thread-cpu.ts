// Processor time of this thread, on which synchronous entries run: isolate.cpuTime counts wall clock while an entry runs, and on a
// busy machine much of that is spent waiting for a core.

/** Microseconds, user and system; it moves in ticks of the kernel, 1 to 4 ms. */
export function threadCpuUs(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}
