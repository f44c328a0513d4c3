// Who writes code for this node when asked in words.
import type { Author } from '#improvement/proposers/author/author.ts';
import { cliAuthor } from '#improvement/proposers/author/cli-author.ts';
import { modelAuthor } from '#improvement/proposers/author/model-author.ts';
import { priced } from '#improvement/proposers/author/priced.ts';
import type { Lineage } from '#improvement/lineage/lineage.ts';
import { SeedError } from '#lib/error.ts';
import { languageModel } from '#lib/model-provider.ts';
import type { Config } from '../config.ts';
import { CODING_CLIS, type CodingClis } from './coding-clis.ts';

export function authors(config: Config, { clis, lineage }: { clis: CodingClis; lineage: Lineage }): Author[] {
  const model = modelAuthor({
    model: () => {
      const { improvementModel, ...settings } = config.models;
      if (improvementModel === null) {
        throw new SeedError('unavailable', 'no model is set for improvements', {
          details: { failure: 'missing_api_key' },
          hint: 'set IMPROVEMENT_MODEL, for example anthropic/claude-sonnet-5-5',
        });
      }
      return languageModel(improvementModel, settings);
    },
  });
  return [...CODING_CLIS.map((name) => cliAuthor(clis.cli(name), lineage)), model].map((author) => {
    const price = config.improvement.prices.get(author.name);
    return price === undefined ? author : priced(author, price);
  });
}
