// npm run bench -- <name> [--quick] [--budget 90s] [--seeds 5] [--only KEY,KEY] [--json] [--keep]: one benchmark, its table, with --json its figures as the last line, and with
// --keep both in bench/results/, with the machine and the date.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parseDuration } from '#lib/duration.ts';
import { machine } from './machine.ts';
import { table } from './report.ts';
import type { Benchmark } from './benchmark.ts';

const BENCHMARKS: Readonly<Record<string, () => Promise<Benchmark>>> = {
  ablation: () => import('./ablation.ts').then((m) => m.ablation),
  binpacking: () => import('./binpacking.ts').then((m) => m.binpacking),
  cheaters: () => import('./cheaters.ts').then((m) => m.cheaters),
  clis: () => import('./clis.ts').then((m) => m.clis),
  containment: () => import('./containment.ts').then((m) => m.containment),
  crash: () => import('./crash.ts').then((m) => m.crash),
  evaluate: () => import('./evaluate.ts').then((m) => m.evaluate),
  'evaluate-weibull': () => import('./evaluate-weibull.ts').then((m) => m.evaluateWeibull),
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
    budget: { type: 'string' },
    seeds: { type: 'string' },
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
});
const name = positionals[0] ?? '';
const load = BENCHMARKS[name];
if (load === undefined) {
  process.stderr.write(
    `usage: npm run bench -- <${Object.keys(BENCHMARKS).join('|')}> [--quick] [--budget 90s] [--seeds 5] [--only KEY,KEY] [--json] [--keep]\n`,
  );
  process.exit(2);
}
const say = (text: string): void => void process.stderr.write(`${text}\n`);
const benchmark = await load();
const seeds = values.seeds === undefined ? undefined : Number(values.seeds);
if (seeds !== undefined && !(Number.isInteger(seeds) && seeds > 0)) {
  process.stderr.write(`--seeds ${values.seeds} is not a number of seeds: give a whole number from 1 on\n`);
  process.exit(2);
}
const result = await benchmark({
  quick: values.quick,
  say,
  ...(seeds === undefined ? {} : { seeds }),
  ...(values.only === undefined ? {} : { only: values.only.split(',') }),
  ...(values.budget === undefined ? {} : { budgetMs: parseDuration(values.budget) }),
});
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
