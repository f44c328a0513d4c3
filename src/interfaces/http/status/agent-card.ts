// An agent with its newest versions.
import { html } from 'hono/html';
import type { Html } from '../html.ts';
import { words } from './words.ts';

export interface AgentView {
  name: string;
  summary: string;
  status: string;
  version: number | null;
  phase: string | null;
}
export interface VersionView {
  version: number;
  hash: string;
  status: string;
  verdict: string;
  reason: string;
  proposer: string;
  createdAt: string;
}
/** Others are on their way, or at rest. */
const STATUS_BADGE: Readonly<Record<string, 'good' | 'bad'>> = { idle: 'good', busy: 'good', error: 'bad' };

export function agentCard(agent: AgentView, versions: readonly VersionView[]): Html | Promise<Html> {
  return html`<section class="card agent">
    <h3>
      ${agent.name} <span class="badge ${STATUS_BADGE[agent.status] ?? 'watch'}">${agent.status}</span>
      ${agent.phase === 'observing' ? html`<span class="badge watch">observing v${agent.version ?? '?'}</span>` : ''}
    </h3>
    <p class="soft">${agent.summary}</p>
    ${agent.status === 'error' ? html`<p class="trouble">It answers no calls. ${hint('agents:logs', agent, 'says why')}, ${hint('agents:start', agent, 'tries again')}.</p>` : ''}
    ${versions.length === 0 ? html`<p class="soft">No version yet.</p>` : versionTable(versions)}
  </section>`;
}

function hint(command: string, agent: AgentView, words: string): Html | Promise<Html> {
  return html`<code>bin/seed ${command} ${agent.name}</code> ${words}`;
}

function versionTable(versions: readonly VersionView[]): Html | Promise<Html> {
  return html`<div class="wide">
    <table>
      <thead>
        <tr>
          <th>version</th>
          <th>status</th>
          <th>verdict</th>
          <th>by</th>
          <th>hash</th>
        </tr>
      </thead>
      <tbody>
        ${versions.map(
          (version) =>
            html`<tr class="${version.status}">
              <td>v${version.version}</td>
              <td>${version.status}</td>
              <td title="${version.reason}">${words(version.verdict)}</td>
              <td>${version.proposer}</td>
              <td><code>${version.hash.slice(0, 10)}</code></td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
