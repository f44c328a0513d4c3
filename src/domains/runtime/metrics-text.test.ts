import { describe, expect, test } from 'vitest';
import { metricsOf } from './metrics-text.ts';

describe('metrics as data', () => {
  test('families with their parts, labels and values', () => {
    const text = [
      '# HELP calls_total How many: \\\\ and\\nmore.',
      '# TYPE calls_total counter',
      'calls_total{agent="a \\"quoted\\" one",path="C:\\\\x"} 3',
      '',
      '# HELP wait_seconds Waiting.',
      '# TYPE wait_seconds histogram',
      'wait_seconds_bucket{le="+Inf"} 2',
      'wait_seconds_sum 0.5',
      'wait_seconds_count 2',
      'lag NaN',
    ].join('\n');
    expect(metricsOf(text)).toEqual([
      {
        name: 'calls_total',
        type: 'counter',
        help: 'How many: \\ and\nmore.',
        samples: [{ name: 'calls_total', labels: { agent: 'a "quoted" one', path: 'C:\\x' }, value: 3 }],
      },
      {
        name: 'wait_seconds',
        type: 'histogram',
        help: 'Waiting.',
        samples: [
          { name: 'wait_seconds_bucket', labels: { le: '+Inf' }, value: 2 },
          { name: 'wait_seconds_sum', labels: {}, value: 0.5 },
          { name: 'wait_seconds_count', labels: {}, value: 2 },
        ],
      },
      { name: 'lag', type: null, help: null, samples: [{ name: 'lag', labels: {}, value: null }] },
    ]);
  });

  test('growth, which has no words about its families', () => {
    expect(metricsOf('# growth of the counters since the start\nseed_calls_total{agent="a"} 2\n')).toEqual([
      { name: 'seed_calls_total', type: null, help: null, samples: [{ name: 'seed_calls_total', labels: { agent: 'a' }, value: 2 }] },
    ]);
  });
});
