// How the node is: one line above everything, and every check below it.
import { html } from 'hono/html';
import { formatDuration } from '#lib/duration.ts';
import type { Html } from '../html.ts';

export interface HealthView {
  status: string;
  queue_depth: number | null;
  memory: { total: number };
  checks: Readonly<Record<string, readonly { status: string; observedValue?: number | string; observedUnit?: string; output?: string }[]>>;
}
export interface SystemView {
  version: string;
  node: string;
  mode: string;
  uptimeSeconds: number;
  memoryBytes: number;
  improvementsPaused: { reason: string; by: string } | null;
}

export function nodeLine(system: SystemView, health: HealthView): Html | Promise<Html> {
  return html`<p class="soft">
    <span class="badge ${health.status === 'ok' ? 'good' : 'bad'}">${health.status}</span>
    ${system.node} · version ${system.version} · ${system.mode} · up ${formatDuration(system.uptimeSeconds * 1000)} ·
    ${megabytes(system.memoryBytes)} in all processes · ${health.queue_depth ?? '?'} in the queue
  </p>`;
}

/** Nothing betters itself, on purpose: whoever looks shall know who stopped it, and how it goes on. */
export function pauseLine({ improvementsPaused }: SystemView): Html | Promise<Html> | '' {
  if (improvementsPaused === null) return '';
  const { by, reason } = improvementsPaused;
  return html`<p>
    <span class="badge watch">paused</span> ${by} has stopped all improvements: ${reason} · <code>bin/seed improvements:resume</code>
  </p>`;
}

export function checksTable(health: HealthView): Html | Promise<Html> {
  return html`<h2>Node</h2>
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th>check</th>
            <th>status</th>
            <th>seen</th>
          </tr>
        </thead>
        <tbody>
          ${Object.entries(health.checks).map(([name, [check]]) =>
            check === undefined
              ? ''
              : html`<tr>
                  <td>${name}</td>
                  <td>
                    <span class="badge ${check.status === 'pass' ? 'good' : check.status === 'warn' ? 'watch' : 'bad'}"
                      >${check.status}</span
                    >
                  </td>
                  <td class="soft">${seen(check)}</td>
                </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

function seen({ output, observedValue, observedUnit }: HealthView['checks'][string][number]): string {
  if (output !== undefined) return output;
  if (observedUnit === 'bytes' && typeof observedValue === 'number') return `${(observedValue / 1e9).toFixed(1)} GB`;
  return [observedValue, observedUnit].filter((part) => part !== undefined).join(' ');
}

function megabytes(sizeBytes: number): string {
  return `${Math.round(sizeBytes / 1_048_576)} MB`;
}
