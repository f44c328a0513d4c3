// The operators that expressions are made of: what each computes, and nothing about how it is written or bred.

/** What each operator computes. Guards keep finite operands finite, except where a product or sum overflows. */
export const OPERATORS = {
  add: { arity: 2, compute: (a: number, b: number) => a + b },
  subtract: { arity: 2, compute: (a: number, b: number) => a - b },
  multiply: { arity: 2, compute: (a: number, b: number) => a * b },
  /** A divisor of 0 (or NaN) counts as 1. */
  divide: { arity: 2, compute: (a: number, b: number) => a / (b || 1) },
  minimum: { arity: 2, compute: (a: number, b: number) => Math.min(a, b) },
  maximum: { arity: 2, compute: (a: number, b: number) => Math.max(a, b) },
  negate: { arity: 1, compute: (a: number) => -a },
  absolute: { arity: 1, compute: (a: number) => Math.abs(a) },
  /** A product and not `a ** 2`, which engines round differently before and after optimisation. */
  square: { arity: 1, compute: (a: number) => a * a },
  squareRoot: { arity: 1, compute: (a: number) => Math.sqrt(Math.abs(a)) },
  logarithm: { arity: 1, compute: (a: number) => Math.log1p(Math.abs(a)) },
  exponential: { arity: 1, compute: (a: number) => Math.exp(Math.min(a, 20)) },
  /** a < b ? c : d */
  ifLess: { arity: 4, compute: (a: number, b: number, c: number, d: number) => (a < b ? c : d) },
} as const satisfies Record<string, { arity: number; compute: (...operands: number[]) => number }>;

export type OperatorName = keyof typeof OPERATORS;
