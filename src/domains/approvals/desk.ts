// Where questions are put and answered: by rules at once, by people, or by time. Everything durable; whoever waits may die meanwhile.
import type { Database, Tx } from '#db/database.ts';
import { isSeedError, SeedError } from '#lib/error.ts';
import { uuidv7 } from '#lib/id.ts';
import { emit } from '#telemetry/emit.ts';
import { answer, expire, type Answer, type ApprovalSource, type Item, type Question, type Who } from './item.ts';
import { realPath } from './real-path.ts';
import { match, type Matched, type Rule } from './rule.ts';
import { countHour, countSession, countTriggered, listRules } from './rule-store.ts';
import { changeItem, decisionsOn, dueItems, getItem, streamOf, type ItemRow, type SourceDecision } from './store.ts';

/** A wake-up may be lost: whoever waits looks again after so long. */
const LOOK_AGAIN_MS = 2_000;

export interface ApprovalDeskOptions {
  database: Database;
  /** Answers in the name of a rule, or of time. */
  nodePrincipal: Who;
  /** ms since the epoch */
  nowMs: () => number;
  /** Told of what waits for an answer; it may be told twice, or never when the node dies in between. */
  onDecided?: (item: { sourceType: ApprovalSource; sourceId: string }) => void;
}

/** Ends a transaction in which a rule has turned out to have no approvals left. */
class RuleIsUsedUp extends Error {}

export class ApprovalDesk {
  readonly #options: ApprovalDeskOptions;

  constructor(options: ApprovalDeskOptions) {
    this.#options = options;
  }

  /**
   * Opens an item and applies the first rule that fits.
   * @param byRules false: rules do not decide, only people. Default true.
   * @param id given, the same question is opened once, however often it is asked (a process that goes on after a crash)
   */
  async open(question: Question, request: { principal: Who; id?: string; byRules?: boolean }): Promise<ItemRow> {
    const { database, nowMs } = this.#options;
    const id = request.id ?? uuidv7(nowMs());
    let isNew = false;
    await changeItem(database, id, {
      principal: request.principal,
      decide: (item) => {
        isNew = item.question === null;
        const expiresAt = question.timeoutMs === null ? null : new Date(nowMs() + question.timeoutMs).toISOString();
        return isNew ? { type: 'approval_opened', data: { ...question, expiresAt } } : null;
      },
    });
    if (isNew) {
      const { approvalType: type, priority } = question;
      emit('seed_agent.approval.opened', {}, { id, type, priority });
      if (request.byRules ?? true) await this.autoDecide(id);
    }
    return this.get(id);
  }

  /** @throws SeedError `not_found` */
  async get(id: string): Promise<ItemRow> {
    const item = await getItem(this.#options.database, id);
    if (item === null)
      throw new SeedError('not_found', `there is no approval ${id}`, { hint: 'seed approvals:list shows those that wait' });
    return item;
  }

  /** Who has said what about these; those that nobody was asked about, or has answered, are not in it. */
  decisionsOn(sourceType: ApprovalSource, sourceIds: readonly string[]): Promise<SourceDecision[]> {
    return decisionsOn(this.#options.database, sourceType, sourceIds);
  }

  /** @throws SeedError `not_found`, `invalid_state` when it was decided before */
  async decide(id: string, given: Answer): Promise<ItemRow> {
    this.#told(id, await this.#answer(this.#options.database, id, given));
    return this.get(id);
  }

  /** What each rule says to it, in the order in which they decide. Changes nothing. */
  async match(question: Question): Promise<readonly Matched[]> {
    const rules = await listRules(this.#options.database);
    return rules.map((rule) => match(rule, question, realPath));
  }

  /** The first rule that fits decides; a rule without approvals left does not fit. @returns that rule */
  async autoDecide(id: string): Promise<Rule | null> {
    const { question } = await this.#item(id);
    if (question === null) return null;
    for (const { rule, why } of await this.match(question)) {
      if (why === null && (await this.#apply(rule, id, question))) return rule;
    }
    return null;
  }

  /** Runs the timeout action of everything that is due. @returns how many were changed */
  async expireDue(): Promise<number> {
    const { database, nodePrincipal } = this.#options;
    let changed = 0;
    const due = await dueItems(database);
    for (const id of due.ids) {
      let happens = false;
      const after = await changeItem(database, id, {
        principal: nodePrincipal,
        decide: (item) => {
          const event = expire(item, due.nowMs);
          happens = event !== null;
          return event;
        },
      });
      if (!happens) continue;
      changed += 1;
      this.#told(id, after);
    }
    return changed;
  }

  /** Resolves when it is decided. @throws the signal's reason when that is aborted first; SeedError `not_found` */
  async decided(id: string, signal: AbortSignal): Promise<ItemRow & { decision: 'approved' | 'denied' }> {
    const { database } = this.#options;
    let wake = Promise.withResolvers<void>();
    const stop = database.listen(`stream:${streamOf(id)}`, () => wake.resolve());
    const onAbort = (): void => wake.resolve();
    signal.addEventListener('abort', onAbort);
    try {
      for (;;) {
        signal.throwIfAborted();
        wake = Promise.withResolvers<void>();
        const item = await this.get(id);
        if (item.decision !== null) return { ...item, decision: item.decision };
        const timer = setTimeout(wake.resolve, LOOK_AGAIN_MS);
        await wake.promise;
        clearTimeout(timer);
      }
    } finally {
      stop();
      signal.removeEventListener('abort', onAbort);
    }
  }

  async #apply(rule: Rule, id: string, question: Question): Promise<boolean> {
    const decision = { by: this.#options.nodePrincipal, note: rule.actionNote, ruleId: rule.id };
    try {
      const item = await this.#options.database.transaction(async (tx) => {
        if (rule.action === 'approve') await this.#count(tx, rule, question);
        else await countTriggered(tx, rule.id);
        if (rule.action === 'require_review') return null;
        return this.#answer(
          tx,
          id,
          rule.action === 'deny' ? { kind: 'deny', decision } : { kind: 'approve', decision, modifiedPayload: null },
        );
      });
      if (item !== null) this.#told(id, item);
      return true;
    } catch (error) {
      if (error instanceof RuleIsUsedUp) return false;
      // Somebody was quicker than the rule.
      if (isSeedError(error) && error.code === 'invalid_state') return true;
      throw error;
    }
  }

  async #count(tx: Tx, rule: Rule, { sessionId }: Question): Promise<void> {
    if (!(await countHour(tx, rule.id))) throw new RuleIsUsedUp();
    const max = rule.maxAutoApprovalsPerSession;
    if (max === null) return;
    if (!(await countSession(tx, { ruleId: rule.id, sessionId: sessionId ?? '', max }))) throw new RuleIsUsedUp();
  }

  #answer(scope: Database | Tx, id: string, given: Answer): Promise<Item> {
    return changeItem(scope, id, { principal: given.decision.by, decide: (item) => answer(item, given) });
  }

  #told(id: string, { question, state }: Item): void {
    if (question === null || state === 'pending') return;
    if (question.sourceId !== null) this.#options.onDecided?.({ sourceType: question.sourceType, sourceId: question.sourceId });
    emit('seed_agent.approval.decided', {}, { id, type: question.approvalType, state });
  }

  #item(id: string): Promise<Item> {
    return changeItem(this.#options.database, id, { principal: this.#options.nodePrincipal, decide: () => null });
  }
}
