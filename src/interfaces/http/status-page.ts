// /status: agents, versions, the running improvement, and how the node is. Rendered from the same operations that everybody
// else can call, with the rights of whoever looks.
import { html } from 'hono/html';
import type { DocumentOptions } from './html.ts';
import type { Page, PageContext } from './page.ts';
import { agentCard, type AgentView, type VersionView } from './status/agent-card.ts';
import { improvementCard } from './status/improvement-card.ts';
import { improvementTable } from './status/improvement-table.ts';
import { ENDED, type ImprovementDetail, type ImprovementView, type ObjectiveView } from './status/improvement-view.ts';
import { checksTable, nodeLine, pauseLine, type HealthView, type SystemView } from './status/node-health.ts';
import { STYLE } from './status/style.ts';

const REFRESH_RUNNING_SECONDS = 2;
const REFRESH_IDLE_SECONDS = 15;
const VERSIONS_SHOWN = 6;

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
        ${nodeLine(system, health)} ${pauseLine(system)} ${detail === null ? '' : improvementCard(detail, objective)}
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
