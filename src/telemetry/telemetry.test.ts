import { expect, test } from 'vitest';
import { emit } from './emit.ts';
import { Telemetry } from './telemetry.ts';

test('log, metrics and lag start together, name the node, and end together', async () => {
  for (const round of ['first', 'second']) {
    const lines: string[] = [];
    const telemetry = new Telemetry({ version: '1.2.3', node: 'n1', level: 'info', format: 'json', write: (line) => lines.push(line) });
    emit('seed_agent.node.stop', {}, { node: 'n1', reason: round });
    telemetry.log.info({ event: 'test.round.begun' }, round);
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { node: 'n1', event: 'seed_agent.node.stop', reason: round },
      { node: 'n1', event: 'test.round.begun', message: round },
    ]);
    const text = await (await telemetry.metrics).text('seed');
    expect(text).toContain('seed_build_info{version="1.2.3",node="n1"} 1');
    expect(text).toMatch(/seed_event_loop_lag_seconds\{stat="p99"\} \d/);
    expect(text).toContain('seed_log_records_dropped_total 0');
    await telemetry.close();
    emit('seed_agent.node.stop', {}, { node: 'n1', reason: 'unheard' });
    expect(lines).toHaveLength(2);
  }
});
