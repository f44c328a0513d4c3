// npm run bench -- <name> [--quick] [--json] [--keep]: one benchmark, its table, with --json its figures as the last line, and with
// --keep both in bench/results/, with the machine and the date.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { machine } from './machine.ts';
import { table } from './report.ts';
import type { Benchmark } from './benchmark.ts';

const BENCHMARKS: Readonly<Record<string, () => Promise<Benchmark>>> = {
  containment: () => import('./containment.ts').then((m) => m.containment),
  crash: () => import('./crash.ts').then((m) => m.crash),
  evaluate: () => import('./evaluate.ts').then((m) => m.evaluate),
  improve: () => import('./improve.ts').then((m) => m.improve),
  invoke: () => import('./invoke.ts').then((m) => m.invoke),
  otp: () => import('./otp.ts').then((m) => m.otp),
  soak: () => import('./soak.ts').then((m) => m.soak),
  start: () => import('./start.ts').then((m) => m.start),
  store: () => import('./store.ts').then((m) => m.store),
  swap: () => import('./swap.ts').then((m) => m.swap),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
});
const name = positionals[0] ?? '';
const load = BENCHMARKS[name];
if (load === undefined) {
  process.stderr.write(`usage: npm run bench -- <${Object.keys(BENCHMARKS).join('|')}> [--quick] [--json] [--keep]\n`);
  process.exit(2);
}
const say = (text: string): void => void process.stderr.write(`${text}\n`);
const benchmark = await load();
const result = await benchmark({ quick: values.quick, say });
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
const versions = { seed_agent: version, node: process.versions.node, v8: process.versions.v8 };
const shown = table(result.rows);
const line = JSON.stringify({ name, figures: result.figures, machine: machine(), versions });
process.stdout.write(`${shown}\n`);
if (values.json) process.stdout.write(`${line}\n`);
if (values.keep) {
  const folder = new URL('results/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL(`${name}${values.quick ? '-quick' : ''}.txt`, folder), `${shown}\n\n${line}\n`);
}
process.exit(0);
