// Questions to people, and the clock that runs out on them.
import { ApprovalDesk } from '#domains/approvals/desk.ts';
import type { Service } from '#kernel/supervisor/service-child.ts';
import type { Parts } from './parts.ts';
import { reportTo } from './report-error.ts';

const EXPIRE_EVERY_MS = 1_000;

export function startApprovals(parts: Parts): Service {
  const desk = parts.set(
    'approvals',
    new ApprovalDesk({
      database: parts.get('database'),
      nodePrincipal: { kind: 'node', id: parts.ground.info.id },
      nowMs: Date.now,
      onDecided: ({ sourceType, sourceId }) => {
        if (sourceType === 'improvement') parts.find('improvements')?.goOn(sourceId).catch(reportTo(parts, 'improvements.resume.failed'));
      },
    }),
  );
  const failed = reportTo(parts, 'approvals.expire.failed');
  let last: Promise<unknown> = Promise.resolve();
  let isBusy = false;
  const timer = setInterval(() => {
    if (isBusy) return;
    isBusy = true;
    last = desk
      .expireDue()
      .catch(failed)
      .finally(() => (isBusy = false));
  }, EXPIRE_EVERY_MS);
  return {
    close: async () => {
      clearInterval(timer);
      await last;
    },
  };
}
