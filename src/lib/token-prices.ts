// What tokens cost, as people write it down: `codex=1.25/0.125/10, model=0.25/0.025/2`.

/** US dollars for a million tokens, which is micro-USD for one. */
export interface TokenPrice {
  input: number;
  /** Of those of the input that the provider had seen before. */
  cachedInput: number;
  output: number;
}

export interface Tokens {
  /** Those that were cached among them. */
  inputTokens: number;
  cachedInputTokens: number;
  outputTokens: number;
}

const NUMBER = String.raw`\d{1,6}(?:\.\d{1,6})?`;
const ENTRY = `[a-z][a-z0-9-]{0,40}=${NUMBER}/${NUMBER}/${NUMBER}`;
export const TOKEN_PRICES_PATTERN = new RegExp(`^${ENTRY}(?:, ?${ENTRY})*$`);

/** By name; of a text that matches `TOKEN_PRICES_PATTERN`. The last one of a name counts. */
export function readTokenPrices(text: string | null): ReadonlyMap<string, TokenPrice> {
  const entries = text === null ? [] : text.split(',');
  return new Map(
    entries.map((entry) => {
      const [name = '', price = ''] = entry.trim().split('=');
      const [input = 0, cachedInput = 0, output = 0] = price.split('/').map(Number);
      return [name, { input, cachedInput, output }];
    }),
  );
}

/** Micro-USD, rounded up: what is paid for is never nothing. */
export function costOf({ inputTokens, cachedInputTokens, outputTokens }: Tokens, price: TokenPrice): number {
  const cached = Math.min(cachedInputTokens, inputTokens);
  return Math.ceil((inputTokens - cached) * price.input + cached * price.cachedInput + outputTokens * price.output);
}
