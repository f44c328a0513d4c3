// The running improvement, or the last one: its scores, their plot, its stages.
import { html, raw } from 'hono/html';
import { formatDuration } from '#lib/duration.ts';
import type { Html } from '../html.ts';
import { scorePlot } from '../score-plot.ts';
import { badge, ENDED, type ImprovementDetail, type ObjectiveView } from './improvement-view.ts';
import { words } from './words.ts';

export function improvementCard(one: ImprovementDetail, objective: ObjectiveView | null): Html | Promise<Html> {
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
