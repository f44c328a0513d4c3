// Whether what paid proposers cost can be counted, and so be held to a cap. Claude Code says it itself.
import type { HealthCheck } from '#kernel/health.ts';
import type { Config } from '../config.ts';

export function pricesCheck({ codex, models, improvement: { prices } }: Pick<Config, 'codex' | 'models' | 'improvement'>): HealthCheck {
  const paid = [...(codex.apiKey === null && codex.home === null ? [] : ['codex']), ...(models.improvementModel === null ? [] : ['model'])];
  const unpriced = paid.filter((name) => !prices.has(name));
  return {
    name: 'improvements:prices',
    component: 'component',
    required: false,
    run: () =>
      Promise.resolve(
        unpriced.length === 0
          ? { status: 'pass' }
          : {
              status: 'warn',
              output: `there is no price for ${unpriced.join(' and ')}: nothing is counted for what they do, and no cap of money holds them. Set TOKEN_PRICES`,
            },
      ),
  };
}
