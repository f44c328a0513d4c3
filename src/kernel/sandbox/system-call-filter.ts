// A filter on system calls for hosts: what neither Node nor isolated-vm ever asks for and what attacks on kernels begin with.
// A list of refusals, not of permissions: a C library's next release must not end every host.

export type FilteredMachine = 'x64' | 'arm64';

/** Of <linux/audit.h>. */
const MACHINE: Readonly<Record<FilteredMachine, number>> = { x64: 0xc000003e, arm64: 0xc00000b7 };

/** System calls that are refused (EPERM): [number on x64, number on arm64]; null: the machine has no such call. */
export const REFUSED: Readonly<Record<string, readonly [number | null, number | null]>> = {
  // The network: a host is given the only socket it has.
  socket: [41, 198],
  // Other processes, and their memory.
  fork: [57, null],
  vfork: [58, null],
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  process_madvise: [440, 440],
  pidfd_getfd: [438, 438],
  kcmp: [312, 272],
  // Namespaces and mounts.
  unshare: [272, 97],
  setns: [308, 268],
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  open_tree: [428, 428],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  name_to_handle_at: [303, 264],
  open_by_handle_at: [304, 265],
  // Parts of the kernel that many of its holes were found in.
  bpf: [321, 280],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  add_key: [248, 217],
  request_key: [249, 218],
  keyctl: [250, 219],
  modify_ldt: [154, null],
  // The machine itself.
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  reboot: [169, 142],
  swapon: [167, 224],
  swapoff: [168, 225],
  acct: [163, 89],
  quotactl: [179, 60],
  syslog: [103, 116],
  iopl: [172, null],
  ioperm: [173, null],
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  adjtimex: [159, 171],
  clock_adjtime: [305, 266],
  sethostname: [170, 161],
  setdomainname: [171, 162],
};

export const CLONE: readonly [number, number] = [56, 220];
/** Its flags are in memory, where a filter can not look: the C library takes clone when the kernel says that it has no clone3. */
const CLONE3 = 435;
const CLONE_THREAD = 0x0001_0000;
/** Calls of the 32-bit convention of x64 begin here: other numbers for the same calls. */
const X32 = 0x4000_0000;

const LOAD = 0x20;
const IF_EQUAL = 0x15;
const IF_AT_LEAST = 0x35;
const IF_BITS = 0x45;
const RETURN = 0x06;
// Offsets in the kernel's struct seccomp_data, both machines being little-endian.
const NUMBER = 0;
const ARCHITECTURE = 4;
const FIRST_ARGUMENT = 16;

const KILL = 0x8000_0000;
const ALLOW = 0x7fff_0000;
const EPERM = 0x0005_0001;
const ENOSYS = 0x0005_0026;

/** In the kernel's own form (struct sock_filter). Null: for this machine's calls there is no list. */
export function systemCallFilter(machine: string): Buffer | null {
  if (machine !== 'x64' && machine !== 'arm64') return null;
  const column = machine === 'x64' ? 0 : 1;
  const refused = Object.values(REFUSED).flatMap((numbers) => numbers[column] ?? []);
  // What each word jumps over is counted in words, 255 at most: refusals go to the last word.
  const words: [code: number, ifTrue: number, ifFalse: number, value: number][] = [
    [LOAD, 0, 0, ARCHITECTURE],
    [IF_EQUAL, 1, 0, MACHINE[machine]],
    [RETURN, 0, 0, KILL],
    [LOAD, 0, 0, NUMBER],
  ];
  const total = words.length + 1 + refused.length + 7;
  const toRefusal = (): number => total - 1 - (words.length + 1);
  words.push([IF_AT_LEAST, toRefusal(), 0, X32]);
  for (const number of refused) words.push([IF_EQUAL, toRefusal(), 0, number]);
  words.push(
    [IF_EQUAL, 0, 1, CLONE3],
    [RETURN, 0, 0, ENOSYS],
    [IF_EQUAL, 0, 2, CLONE[column]],
    [LOAD, 0, 0, FIRST_ARGUMENT],
    // Threads, and no processes: the kernel gives no thread a user namespace of its own, and without rights none of the others.
    [IF_BITS, 0, 1, CLONE_THREAD],
    [RETURN, 0, 0, ALLOW],
    [RETURN, 0, 0, EPERM],
  );
  const bytes = Buffer.alloc(words.length * 8);
  for (const [index, [code, ifTrue, ifFalse, value]] of words.entries()) {
    const at = index * 8;
    bytes.writeUInt16LE(code, at);
    bytes.writeUInt8(ifTrue, at + 2);
    bytes.writeUInt8(ifFalse, at + 3);
    bytes.writeUInt32LE(value, at + 4);
  }
  return bytes;
}
