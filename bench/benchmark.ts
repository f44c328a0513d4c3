// What a benchmark is given and what it answers.

export interface BenchmarkOptions {
  /** The same code with fewer rounds: at most 45 seconds. */
  quick: boolean;
  /** Wall clock of each search, for benchmarks that search. Default: the benchmark's own. */
  budgetMs?: number;
  /** How many seeds, for benchmarks that repeat themselves with different ones. Default: the benchmark's own. */
  seeds?: number;
  /** Keys of figures, for benchmarks that measure many things one after the other. Default: all of them. */
  only?: readonly string[];
  /** Progress, for people. */
  say: (text: string) => void;
}

export interface Row {
  /** What was measured. */
  name: string;
  /** Column → value; columns are those of the first row and what others add. */
  values: Readonly<Record<string, string | number>>;
}

export interface BenchmarkResult {
  rows: readonly Row[];
  /** The keys that are quoted and compared. */
  figures: Readonly<Record<string, number | null>>;
}

export type Benchmark = (options: BenchmarkOptions) => Promise<BenchmarkResult>;
