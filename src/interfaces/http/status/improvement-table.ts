// The newest improvements, a row each.
import { html } from 'hono/html';
import type { Html } from '../html.ts';
import { badge, type ImprovementView } from './improvement-view.ts';
import { words } from './words.ts';

export function improvementTable(all: readonly ImprovementView[]): Html | Promise<Html> | '' {
  if (all.length === 0) return '';
  return html`<h2>Improvements</h2>
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th>agent</th>
            <th>state</th>
            <th>by</th>
            <th>baseline</th>
            <th>test</th>
            <th>version</th>
            <th>candidates</th>
            <th>why</th>
          </tr>
        </thead>
        <tbody>
          ${all.map(
            (one) =>
              html`<tr>
                <td>${one.agent}</td>
                <td><span class="badge ${badge(one.state)}">${words(one.state)}</span></td>
                <td>${one.proposer}</td>
                <td>${one.baseline?.toFixed(3) ?? '–'}</td>
                <td>${one.test?.toFixed(3) ?? '–'}</td>
                <td>${one.version === null ? '–' : `v${one.version}`}</td>
                <td>${one.evaluated}</td>
                <td class="soft">${one.reason}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}
