// What becomes of parked calls, each step in one transaction: they are put down, answered, taken up again, and ended.
import type { Database, Tx } from '#db/database.ts';
import { cancelJob, enqueue } from '#db/jobs.ts';
import type { Sealing } from '#db/sealing.ts';
import { validatorFor } from '#kernel/compiler/validator.ts';
import { openWaits, timedOut, type Wait, type WaitAnswer } from '#kernel/runtime/capabilities/waits.ts';
import type { OpenWait, ParkedCalls, ParkedEnd, ParkedStatus, ParkingCommit, ResumedCall } from '#kernel/runtime/parked-call.ts';
import { SeedError } from '#lib/error.ts';
import type { OpenRequest, ParkedCallEvent } from './parked-call-event.ts';
import {
  answerKey,
  appendParked,
  countParked,
  databaseNowMs,
  insertParked,
  readParked,
  reseal,
  setDueJob,
  setHasEffects,
  type ParkedRow,
} from './parked-call-store.ts';

export const CALLS_QUEUE = 'calls';
/** Runs that a call may begin without getting on. */
export const MAX_RUNS = 5;
/** While its agent is stopped, or its instance is held elsewhere. */
export const LATER_MS = 15_000;
/** Of one agent at a time. */
const MAX_PARKED = 1_000;

/** Whether its last request was served nobody knows. */
const CUT_OFF: ParkedEnd = {
  ok: false,
  error: { code: 'unavailable', message: 'the call was cut off after it had begun something that can not be done twice' },
  divergence: null,
};

type Principal = { kind: string; id: string };

export interface ParkedCallDeskOptions {
  database: Database;
  sealing: Sealing;
  nodePrincipal: Principal;
}

export class ParkedCallDesk implements ParkedCalls {
  readonly #options: ParkedCallDeskOptions;

  constructor(options: ParkedCallDeskOptions) {
    this.#options = options;
  }

  /** In the transaction of the call's state. @throws SeedError `conflict`, `queue_full` */
  async commit(tx: Tx, parking: ParkingCommit): Promise<void> {
    if (parking.kind === 'end') {
      const row = await this.#owned(tx, parking);
      return this.#end(tx, row, { end: parking.end, principal: this.#options.nodePrincipal });
    }
    const { call, fence } = parking;
    if (fence === null) {
      const parked = await countParked(tx, call.agent);
      if (parked >= MAX_PARKED) {
        throw new SeedError('queue_full', `${parked} calls of ${call.agent} are parked, as many as there may be`, {
          hint: `seed agents:calls:list ${call.agent} --state parked shows them`,
          retryAfterMs: 60_000,
        });
      }
      await insertParked(tx, this.#options.sealing, call);
    }
    const row = await this.#owned(tx, { id: call.id, fence: fence ?? 0 });
    await this.#park(tx, { ...row, journal: call.journal });
  }

  async status(agent: string, id: string): Promise<ParkedStatus | null> {
    const row = await this.find(agent, id);
    if (row === null) return null;
    const error = row.end === undefined || row.end.ok ? null : row.end.error;
    return { state: row.state, version: row.version, hash: row.hash, open: openOf(row), error };
  }

  async find(agent: string, id: string): Promise<ParkedRow | null> {
    const { database, sealing } = this.#options;
    const row = await readParked(database, sealing, { id });
    return row?.agent === agent ? row : null;
  }

  async beginEffect(id: string, fence: number): Promise<void> {
    if (!(await setHasEffects(this.#options.database, id, fence))) throw taken(id);
  }

  /**
   * Takes a call to go on with, if there is something to go on with.
   * @param options `isRunning`: whether the agent runs here; `jobId`: the job that woke it
   * @returns null when it has ended, still waits, or was cut off in the middle of an effect and has failed now; `laterMs` when its agent
   *   does not run, or its alarm went off too early
   */
  async take(
    id: string,
    { isRunning, jobId }: { isRunning: (agent: string) => boolean; jobId?: string },
  ): Promise<ResumedCall | { laterMs: number } | null> {
    const { database, sealing, nodePrincipal } = this.#options;
    return database.transaction(async (tx) => {
      const row = await readParked(tx, sealing, { id, lock: true });
      if (row === null || (row.state !== 'parked' && row.state !== 'running')) return null;
      if (row.hasEffects) {
        await this.#end(tx, row, { end: CUT_OFF, principal: nodePrincipal });
        return null;
      }
      const over = await overOf(tx, row);
      const answers = { ...row.answers, ...Object.fromEntries(over) };
      if (row.state === 'parked' && Object.keys(answers).length === 0) return row.dueJob === jobId ? untilDue(tx, row) : null;
      if (!isRunning(row.agent)) return { laterMs: LATER_MS };
      if (over.length > 0) await reseal(tx, sealing, { ...row, answers });
      const fence = row.fence + 1;
      const events = [
        ...over.map(([request]) => ({ type: 'call_answered' as const, data: { request } })),
        { type: 'call_resumed' as const, data: { fence, over: over.map(([request]) => request) } },
      ];
      await appendParked(tx, id, { events, principal: nodePrincipal });
      const { agent, key, exportName, version, hash, inputJson, journal, principal } = row;
      const byNumber = new Map(Object.entries(answers).map(([request, answer]) => [Number(request), answer]));
      return { id, agent, key, exportName, version, hash, inputJson, journal, principal, fence, answers: byNumber };
    });
  }

  /** What was taken is put back as it was, to be tried again; unless it has done what can not be done twice: then it has failed. */
  async putBack(id: string, fence: number, code: string): Promise<void> {
    const { database, nodePrincipal } = this.#options;
    await database.transaction(async (tx) => {
      const row = await this.#owned(tx, { id, fence });
      if (row.hasEffects) return this.#end(tx, row, { end: CUT_OFF, principal: nodePrincipal });
      await appendParked(tx, id, { events: [{ type: 'call_interrupted', data: { code } }], principal: nodePrincipal });
    });
  }

  /** Every run of it was cut short. */
  async giveUp(id: string): Promise<void> {
    const { database, sealing, nodePrincipal } = this.#options;
    const message = `the call was taken up ${MAX_RUNS} times and never came to an end: the node's log says what ended it`;
    await database.transaction(async (tx) => {
      const row = await readParked(tx, sealing, { id, lock: true });
      if (row === null || isOver(row)) return;
      await this.#end(tx, row, { end: { ok: false, error: { code: 'unavailable', message }, divergence: null }, principal: nodePrincipal });
    });
  }

  /**
   * @param given `request` may be left out where one question is open
   * @returns the number of the request that was answered
   * @throws SeedError `not_found`, `invalid_state` when it is not open (any more), `invalid_input` when the answer does not fit
   */
  async answer(agent: string, id: string, given: { request?: number; answer: unknown; principal: Principal }): Promise<number> {
    const { database, sealing } = this.#options;
    return database.transaction(async (tx) => {
      const row = await this.#live(tx, agent, id);
      const wait = askedFor(row, given.request, await databaseNowMs(tx));
      checkAnswer(wait, given.answer);
      const answer: WaitAnswer = { ok: true, json: JSON.stringify(given.answer) };
      await reseal(tx, sealing, { ...row, answers: { ...row.answers, [wait.request]: answer } });
      const events = [{ type: 'call_answered' as const, data: { request: wait.request } }];
      await appendParked(tx, id, { events, principal: given.principal });
      await wake(tx, id);
      return wait.request;
    });
  }

  /** @throws SeedError `not_found`, `invalid_state` when it has ended */
  async cancel(agent: string, id: string, request: { reason: string; principal: Principal }): Promise<void> {
    await this.#options.database.transaction(async (tx) => {
      const row = await this.#live(tx, agent, id);
      const end: ParkedEnd = { ok: false, error: { code: 'cancelled', message: request.reason }, divergence: null };
      await this.#end(tx, row, { end, principal: request.principal });
    });
  }

  async #park(tx: Tx, row: ParkedRow): Promise<void> {
    const { sealing, nodePrincipal } = this.#options;
    const nowMs = await databaseNowMs(tx);
    const before = new Map(row.open.map(({ request, dueMs }) => [request, dueMs]));
    const waits = openWaits(row.journal);
    // Answers that came while it ran, and that it has not taken.
    const answers = Object.fromEntries(waits.flatMap(({ request }) => entryOf(row.answers, request)));
    const open = waits
      .filter(({ request }) => !Object.hasOwn(answers, request))
      .map(({ request, kind, forMs }): OpenRequest => {
        const known = before.get(request);
        return { request, kind, dueMs: known === undefined ? (forMs === null ? null : nowMs + forMs) : known };
      });
    await reseal(tx, sealing, { ...row, answers });
    const { agent, key, exportName, version, hash } = row;
    const event = { type: 'call_parked' as const, data: { agent, key, export: exportName, version, hash, open } };
    await appendParked(tx, row.id, { events: [event], principal: nodePrincipal });
    if (Object.keys(answers).length > 0) await wake(tx, row.id);
    const due = open.flatMap(({ dueMs }) => (dueMs === null ? [] : [dueMs]));
    if (row.dueJob !== null) await cancelJob(tx, row.dueJob, 'the call waits for something else now');
    await setDueJob(tx, row.id, due.length === 0 ? null : await wake(tx, row.id, Math.max(1, Math.ceil(Math.min(...due) - nowMs))));
  }

  async #end(tx: Tx, row: ParkedRow, { end, principal }: { end: ParkedEnd; principal: Principal }): Promise<void> {
    const { id, dueJob } = row;
    await reseal(tx, this.#options.sealing, { ...row, answers: {}, end });
    await appendParked(tx, id, { events: [endEvent(row, end)], principal });
    await answerKey(tx, id, end.ok ? end.outputJson : null);
    if (dueJob !== null) await cancelJob(tx, dueJob, 'the call has ended');
  }

  async #owned(tx: Tx, { id, fence }: { id: string; fence: number }): Promise<ParkedRow> {
    const row = await readParked(tx, this.#options.sealing, { id, lock: true });
    if (row === null || row.fence !== fence || isOver(row)) throw taken(id);
    return row;
  }

  async #live(tx: Tx, agent: string, id: string): Promise<ParkedRow> {
    const row = await readParked(tx, this.#options.sealing, { id, lock: true });
    if (row === null || row.agent !== agent) {
      throw new SeedError('not_found', `no call ${id} of ${agent} is parked`, { hint: `seed agents:calls:list ${agent} --state parked` });
    }
    if (isOver(row)) throw new SeedError('invalid_state', `the call ${id} has ended: ${row.state}`);
    return row;
  }
}

function isOver({ state }: ParkedRow): boolean {
  return state !== 'parked' && state !== 'running';
}

function taken(id: string): SeedError {
  return new SeedError('conflict', `the call ${id} was taken up elsewhere, or has ended: nothing of this run is kept`);
}

/** What it waits for, without what has its answer. */
export function openOf(row: ParkedRow): OpenWait[] {
  if (isOver(row)) return [];
  const waits = new Map(openWaits(row.journal).map((wait) => [wait.request, wait]));
  return row.open.flatMap(({ request, dueMs }) => {
    const wait = waits.get(request);
    return wait === undefined ? [] : [{ ...wait, dueMs }];
  });
}

/** @throws SeedError `invalid_state`, `invalid_input` */
function askedFor(row: ParkedRow, request: number | undefined, nowMs: number): Wait {
  const asks = openOf(row).filter(({ kind, dueMs }) => kind === 'ask' && (dueMs === null || dueMs > nowMs));
  const numbers = asks.map((wait) => wait.request).join(', ');
  const [first] = asks;
  if (first === undefined) throw new SeedError('invalid_state', `the call ${row.id} waits for no answer (any more)`);
  if (request === undefined) {
    if (asks.length === 1) return first;
    const message = `the call waits for ${asks.length} answers: say which request is answered, one of ${numbers}`;
    throw new SeedError('invalid_input', message, { details: [{ path: 'request', message: `one of ${numbers}` }] });
  }
  const wait = asks.find((ask) => ask.request === request);
  if (wait !== undefined) return wait;
  throw new SeedError('invalid_state', `request ${request} of the call ${row.id} waits for no answer (any more)`, {
    hint: `open: ${numbers}`,
  });
}

const MAX_ANSWER_BYTES = 262_144;

function checkAnswer({ schema }: Wait, answer: unknown): void {
  const sizeBytes = Buffer.byteLength(JSON.stringify(answer));
  if (sizeBytes > MAX_ANSWER_BYTES) {
    throw new SeedError('payload_too_large', `the answer has ${sizeBytes} bytes, at most ${MAX_ANSWER_BYTES} are allowed`);
  }
  if (schema === null) return;
  const problems = validatorFor(schema, { useDefaults: false }).problems(answer);
  const [first] = problems;
  if (first === undefined) return;
  throw new SeedError('invalid_input', `the answer${first.path === '' ? '' : ` at ${first.path}`} ${first.message}`, {
    details: problems.slice(0, 20).map(({ path, message }) => ({ path: path === '' ? 'answer' : `answer.${path}`, message })),
  });
}

/** The database's clock was set back since the alarm was set. */
async function untilDue(tx: Tx, { open }: ParkedRow): Promise<{ laterMs: number } | null> {
  const due = open.flatMap(({ dueMs }) => (dueMs === null ? [] : [dueMs]));
  return due.length === 0 ? null : { laterMs: Math.max(1, Math.ceil(Math.min(...due) - (await databaseNowMs(tx)))) };
}

/** Waits whose time has come and that nobody has answered. */
async function overOf(tx: Tx, row: ParkedRow): Promise<[request: number, answer: WaitAnswer][]> {
  const nowMs = await databaseNowMs(tx);
  const due = openOf(row).filter(({ dueMs }) => dueMs !== null && dueMs <= nowMs);
  const inOrder = due.toSorted((a, b) => (a.dueMs ?? 0) - (b.dueMs ?? 0));
  return inOrder.map(({ request, kind, forMs }) => [request, kind === 'sleep' ? { ok: true, json: 'null' } : timedOut(forMs ?? 0)]);
}

function entryOf(answers: Record<string, WaitAnswer>, request: number): [string, WaitAnswer][] {
  const answer = answers[request];
  return answer === undefined ? [] : [[String(request), answer]];
}

function endEvent(row: ParkedRow, end: ParkedEnd): ParkedCallEvent {
  if (end.ok) return { type: 'call_completed', data: {} };
  if (end.divergence !== null) return { type: 'call_diverged', data: { index: end.divergence.index } };
  const { code, message } = end.error;
  // The reason was given by whoever cancelled it; another message may repeat what the call was told.
  if (code === 'cancelled') return { type: 'call_cancelled', data: { reason: message, fence: row.fence + 1 } };
  return { type: 'call_failed', data: { code } };
}

/** @returns the job */
async function wake(tx: Tx, id: string, delayMs = 0): Promise<string> {
  const { job } = await enqueue(tx, {
    queue: CALLS_QUEUE,
    kind: 'resume',
    args: { id },
    serialKey: id,
    // One more, which does nothing but say that the others are used up.
    maxAttempts: MAX_RUNS + 1,
    delayMs,
  });
  return job.id;
}
