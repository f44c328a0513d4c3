// /status: agents, versions, the running improvement, and how the node is. Rendered from the same operations that everybody
// else can call, with the rights of whoever looks.
import { html, raw } from 'hono/html';
import { formatDuration } from '#lib/duration.ts';
import type { DocumentOptions, Html } from './html.ts';
import type { Page, PageContext } from './page.ts';
import { scorePlot, type ScorePoint } from './score-plot.ts';

interface AgentView {
  name: string;
  summary: string;
  status: string;
  version: number | null;
  phase: string | null;
}
interface VersionView {
  version: number;
  hash: string;
  status: string;
  verdict: string;
  reason: string;
  proposer: string;
  createdAt: string;
}
interface ImprovementView {
  id: string;
  agent: string;
  state: string;
  proposer: string;
  reason: string;
  baseVersion: number | null;
  version: number | null;
  baseline: number | null;
  selection: number | null;
  validation: number | null;
  test: number | null;
  evaluated: number;
  swapMs: number | null;
  durationMs: number | null;
}
interface ImprovementDetail extends ImprovementView {
  stages: readonly { stage: string; state: string; durationMs: number | null }[];
  progress: readonly ScorePoint[];
  reported: readonly { task: string; baseline: number | null; score: number | null; failed: string | null }[];
}
interface HealthView {
  status: string;
  queue_depth: number | null;
  memory: { total: number };
  checks: Readonly<Record<string, readonly { status: string; observedValue?: number | string; observedUnit?: string; output?: string }[]>>;
}
interface ObjectiveView {
  name: string;
  unit?: string;
  direction: string;
}
interface SystemView {
  version: string;
  node: string;
  mode: string;
  uptimeSeconds: number;
  memoryBytes: number;
}

const REFRESH_RUNNING_SECONDS = 2;
const REFRESH_IDLE_SECONDS = 15;
const VERSIONS_SHOWN = 6;
/** Others are on their way, or at rest. */
const STATUS_BADGE: Readonly<Record<string, 'good' | 'bad'>> = { idle: 'good', busy: 'good', error: 'bad' };
const ENDED = new Set(['live', 'no_gain', 'rolled_back', 'failed', 'cancelled']);

export const statusPage: Page = {
  path: '/status',
  permission: { resource: 'system', action: 'read' },
  async render(context): Promise<DocumentOptions> {
    const [system, health, agents, improvements] = (await Promise.all([
      context.call('system:status'),
      context.call('system:health'),
      context.call('agents:list', { limit: 100 }),
      context.call('improvements:list', { limit: 10 }),
    ])) as [SystemView, HealthView, { items: AgentView[] }, { items: ImprovementView[] }];
    const shown = improvements.items.find((one) => !ENDED.has(one.state)) ?? improvements.items[0];
    const detail = shown === undefined ? null : ((await context.call('improvements:get', { id: shown.id })) as ImprovementDetail);
    const versions = await Promise.all(agents.items.map((agent) => versionsOf(agent.name, context)));
    const objective = agents.items.some(({ name }) => name === detail?.agent) ? await objectiveOf(detail!.agent, context) : null;
    const running = detail !== null && !ENDED.has(detail.state);
    return {
      title: 'Status',
      refreshSeconds: running ? REFRESH_RUNNING_SECONDS : REFRESH_IDLE_SECONDS,
      style: STYLE,
      links: { '/openapi.json': 'API' },
      body: html`
        <h1>Status</h1>
        ${nodeLine(system, health)} ${detail === null ? '' : improvementCard(detail, objective)}
        <h2>Agents</h2>
        ${
          agents.items.length === 0
            ? html`<p class="soft">None yet: <code>bin/seed agents:create --from folder</code></p>`
            : html`<div class="agents">${agents.items.map((agent, index) => agentCard(agent, versions[index] ?? []))}</div>`
        }
        ${improvementTable(improvements.items)} ${checksTable(health)}
      `,
    };
  },
};

async function versionsOf(agent: string, context: PageContext): Promise<VersionView[]> {
  const page = (await context.call('code:list', { agent, limit: VERSIONS_SHOWN })) as { items: VersionView[] };
  return page.items;
}

/** What a score is. Null while no version is live. */
async function objectiveOf(agent: string, context: PageContext): Promise<ObjectiveView | null> {
  const { contract } = (await context.call('agents:status', { agent })) as { contract: { objective?: ObjectiveView } | null };
  return contract?.objective ?? null;
}

function nodeLine(system: SystemView, health: HealthView): Html | Promise<Html> {
  return html`<p class="soft">
    <span class="badge ${health.status === 'ok' ? 'good' : 'bad'}">${health.status}</span>
    ${system.node} · version ${system.version} · ${system.mode} · up ${formatDuration(system.uptimeSeconds * 1000)} ·
    ${megabytes(system.memoryBytes)} in all processes · ${health.queue_depth ?? '?'} in the queue
  </p>`;
}

function improvementCard(one: ImprovementDetail, objective: ObjectiveView | null): Html | Promise<Html> {
  const plot = scorePlot(one.progress, { label: `score of ${one.agent}`, test: one.test });
  return html`<section class="card">
    <h2 class="first">
      ${one.agent}: ${ENDED.has(one.state) ? 'last improvement' : 'improving itself'}
      <span class="badge ${badge(one.state)}">${words(one.state)}</span>
    </h2>
    <p class="soft">
      ${one.proposer} from v${one.baseVersion ?? '?'} · ${one.evaluated} candidates scored ·
      ${formatDuration(one.durationMs ?? 0)}${one.reason === '' ? '' : ` · ${one.reason}`}
    </p>
    ${
      plot === ''
        ? ''
        : html`${raw(plot)}
            <p class="legend">
              <span><span class="key best"></span> best candidate on selection draws</span>
              <span><span class="key baseline"></span> version it started from</span>
              ${objective === null ? '' : html`<span>${scoreWords(objective)}</span>`}
            </p>`
    }
    <dl>
      ${figure('baseline', one.baseline, 'test set')} ${figure('selection', one.selection, 'what the search saw')}
      ${figure('validation', one.validation, 'what decided')} ${figure('test', one.test, 'what is quoted')} ${one.reported.map(taskFigure)}
      ${
        one.swapMs === null
          ? ''
          : html`<div>
              <dt>swap</dt>
              <dd>${one.swapMs.toFixed(1)} ms</dd>
            </div>`
      }
      ${
        one.version === null
          ? ''
          : html`<div>
              <dt>version</dt>
              <dd>v${one.version}</dd>
            </div>`
      }
    </dl>
    <ol class="stages">
      ${one.stages.map(
        (stage) =>
          html`<li class="${stage.state}">
            ${words(stage.stage)}${stage.durationMs === null ? '' : html` <span class="soft">${formatDuration(stage.durationMs)}</span>`}
          </li>`,
      )}
    </ol>
  </section>`;
}

function scoreWords({ name, unit, direction }: ObjectiveView): string {
  return `${name}${unit === undefined || unit === '' ? '' : ` in ${unit}`}: ${direction === 'minimize' ? 'lower' : 'higher'} is better`;
}

function taskFigure({ task, baseline, score, failed }: ImprovementDetail['reported'][number]): Html | Promise<Html> {
  if (failed === null) return figure(task, score, `${baseline?.toFixed(3)} before; decides nothing`);
  return html`<div>
    <dt title="${failed}; decides nothing">${task}</dt>
    <dd>failed</dd>
  </div>`;
}

function figure(name: string, value: number | null, meaning: string): Html | Promise<Html> {
  return html`<div>
    <dt title="${meaning}">${name}</dt>
    <dd>${value === null ? '–' : value.toFixed(3)}</dd>
  </div>`;
}

function agentCard(agent: AgentView, versions: readonly VersionView[]): Html | Promise<Html> {
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

function improvementTable(all: readonly ImprovementView[]): Html | Promise<Html> | '' {
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

function checksTable(health: HealthView): Html | Promise<Html> {
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

function badge(state: string): 'good' | 'bad' | 'watch' {
  if (state === 'live') return 'good';
  return state === 'failed' || state === 'rolled_back' ? 'bad' : 'watch';
}

function words(name: string): string {
  return name.replaceAll('_', ' ');
}

function megabytes(sizeBytes: number): string {
  return `${Math.round(sizeBytes / 1_048_576)} MB`;
}

const STYLE = `
.badge{display:inline-block;font-size:.78rem;font-weight:600;border:1px solid currentColor;border-radius:999px;padding:0 9px;vertical-align:2px}
.badge.good{color:var(--good)}.badge.bad{color:var(--bad)}.badge.watch{color:var(--soft)}
h2.first,h3{margin:0 0 6px}
.agents{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(420px,100%),1fr));gap:16px}
.agent{padding:18px;min-width:0}.trouble{color:var(--bad)}.trouble code{white-space:normal}.wide{overflow-x:auto}.agent table{font-size:.9rem}
tr.active td{font-weight:600}
.plot{width:100%;height:auto;margin:8px 0;font-size:12px}
.plot text{fill:var(--soft)}.plot .grid{stroke:var(--line)}
.plot polyline{fill:none;stroke-width:2}.plot .best{stroke:var(--accent)}.plot .baseline{stroke:var(--soft);stroke-dasharray:5 4}
.plot .test{stroke:var(--ink);stroke-dasharray:2 3}
.legend{font-size:.85rem;color:var(--soft);display:flex;flex-wrap:wrap;gap:4px 18px}
.key{display:inline-block;width:18px;height:0;border-top:2px solid var(--accent);margin-right:6px;vertical-align:4px}.key.baseline{border-top:2px dashed var(--soft)}
dl{display:flex;flex-wrap:wrap;gap:10px 28px;margin:12px 0}dl div{min-width:80px}dt{font-size:.8rem;color:var(--soft)}dd{margin:0;font-size:1.15rem;font-variant-numeric:tabular-nums}
.stages{display:flex;flex-wrap:wrap;gap:6px 18px;list-style:none;margin:0;padding:0;font-size:.9rem}
.stages li::before{content:"✓ ";color:var(--good)}.stages li.running::before{content:"… ";color:var(--soft)}
@media (max-width:520px){.card{padding:16px}.plot{font-size:26px}}
`;
