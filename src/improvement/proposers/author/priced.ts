// An author that says what it has cost: from its tokens, where it does not say itself. Otherwise nothing would hold it to a cap.
import { costOf, type TokenPrice } from '#lib/token-prices.ts';
import type { Author } from './author.ts';

export function priced(author: Author, price: TokenPrice): Author {
  return {
    name: author.name,
    async *write(task) {
      for await (const event of author.write(task)) {
        if (event.type !== 'ended' || event.outcome.usage.costMicroUsd !== null) yield event;
        else {
          const { outcome } = event;
          yield { type: 'ended', outcome: { ...outcome, usage: { ...outcome.usage, costMicroUsd: costOf(outcome.usage, price) } } };
        }
      }
    },
  };
}
