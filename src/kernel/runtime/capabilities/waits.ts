// ctx.sleep and ctx.ask: what a call may wait for longer than it may stay in its host. Short sleeps are waited for in place; the rest
// parks the call, and its answer comes with the run that goes on with it.
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { SeedError, toSeedError } from '#lib/error.ts';
import { jsonDepthExceeds } from '../../compiler/json-depth.ts';
import { schemaProblems, type JsonSchema } from '../../compiler/json-schema.ts';
import { validatorFor } from '../../compiler/validator.ts';
import type { Journal, JournalRequest } from '../../sandbox/journal.ts';
import type { Capability, CapabilityRequest } from './capability.ts';

/** A shorter sleep keeps its place and its key. */
const SHORT_SLEEP_MS = 1_000;
/** Longest sleep, and longest wait for an answer that has an end. */
const LONGEST_WAIT_MS = 30 * 86_400_000;
const MAX_QUESTION = 4_000;
const MAX_SCHEMA_CHARS = 16_384;
const MAX_SCHEMA_DEPTH = 32;

const sleepArgs = z.strictObject({ ms: z.number().min(0).max(LONGEST_WAIT_MS) });
const askArgs = z.strictObject({
  question: z.string().min(1).max(MAX_QUESTION),
  schema: z.record(z.string(), z.unknown()).optional(),
  timeoutMs: z.number().min(1).max(LONGEST_WAIT_MS).optional(),
});

/** What a parked call waits for. */
export interface Wait {
  /** The request's number in its call. */
  request: number;
  kind: 'sleep' | 'ask';
  /** Of an ask. */
  question: string | null;
  /** Of an ask: JSON Schema of the answer; null: any JSON. */
  schema: JsonSchema | null;
  /** From the moment it was parked; null: for as long as it takes. */
  forMs: number | null;
}

/** What a wait ended with: JSON of the value, or of an error as a journal has it. */
export interface WaitAnswer {
  ok: boolean;
  json: string;
}

export class CallWaits implements Capability {
  readonly names = ['sleep', 'ask'] as const;
  readonly #answers: ReadonlyMap<number, WaitAnswer>;
  readonly #mayPark: boolean;

  /** @param mayPark whether whoever called can do without an answer for now */
  constructor(options: { answers: ReadonlyMap<number, WaitAnswer>; mayPark: boolean }) {
    this.#answers = options.answers;
    this.#mayPark = options.mayPark;
  }

  /** For the sandbox: what is not answered while the call is in its host. */
  readonly parks = (request: JournalRequest): boolean => {
    if (!this.#mayPark || this.#answers.has(request.seq)) return false;
    try {
      return isLong(readWait(request));
    } catch {
      // Refused where it is served.
      return false;
    }
  };

  async serve({ name, args, seq, signal }: CapabilityRequest): Promise<string> {
    const answer = this.#answers.get(seq);
    if (answer?.ok === true) return answer.json;
    if (answer !== undefined) throw revived(answer.json);
    const wait = readWait({ seq, name, args });
    if (!isLong(wait)) {
      await sleep(wait.forMs ?? 0, undefined, { signal });
      return 'null';
    }
    throw new SeedError('invalid_state', `ctx.${name} would park this call, and whoever made it waits for its answer here and now`, {
      hint: `a call can be parked when it comes through agents:invoke; sleeps below ${SHORT_SLEEP_MS} ms are always possible`,
    });
  }
}

/** @throws SeedError `invalid_input`: what is wrong with it */
function readWait(request: JournalRequest): Wait {
  const { seq, name, args } = request;
  const parsed = name === 'sleep' ? sleepArgs.safeParse(args) : askArgs.safeParse(args);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new SeedError('invalid_input', `ctx.${name}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'it can not be read'}`);
  }
  if ('ms' in parsed.data) return { request: seq, kind: 'sleep', question: null, schema: null, forMs: parsed.data.ms };
  const { question, schema = null, timeoutMs = null } = parsed.data;
  if (schema !== null) checkSchema(schema);
  return { request: seq, kind: 'ask', question, schema, forMs: timeoutMs };
}

function isLong({ kind, forMs }: Wait): boolean {
  return kind === 'ask' || (forMs ?? 0) >= SHORT_SLEEP_MS;
}

/** Written by the agent's code while it runs, and enforced in this process: no more is believed of it than of a contract's. */
function checkSchema(schema: JsonSchema): void {
  const text = JSON.stringify(schema);
  if (text.length > MAX_SCHEMA_CHARS || jsonDepthExceeds(text, MAX_SCHEMA_DEPTH)) {
    throw new SeedError('invalid_input', `ctx.ask: a schema may have ${MAX_SCHEMA_CHARS} characters and ${MAX_SCHEMA_DEPTH} levels`);
  }
  const [problem] = schemaProblems(schema, { path: 'schema', side: 'output' });
  if (problem !== undefined) throw new SeedError('invalid_input', `ctx.ask: ${problem.path}: ${problem.message}`);
  try {
    validatorFor(schema, { useDefaults: false });
  } catch (error) {
    throw new SeedError('invalid_input', `ctx.ask: the schema can not be used: ${toSeedError(error).message}`, { cause: error });
  }
}

/** What a parked call waits for, in the order in which it asked: requests of its journal that have no result. */
export function openWaits(journal: Journal): Wait[] {
  const answered = new Set(journal.entries.flatMap((entry) => ('time' in entry ? [entry.seq] : [])));
  return journal.entries.flatMap((entry) =>
    'name' in entry && (entry.name === 'sleep' || entry.name === 'ask') && !answered.has(entry.seq) ? [readWait(entry)] : [],
  );
}

/** How an ask ends whose time is over. */
export function timedOut(forMs: number): WaitAnswer {
  const error = { name: 'TimeoutError', message: `nobody answered within ${forMs} ms`, code: 'deadline' };
  return { ok: false, json: JSON.stringify(error) };
}

function revived(json: string): Error {
  const { name, message, code } = JSON.parse(json) as { name: string; message: string; code?: string };
  return Object.assign(new Error(message), { name, ...(code === undefined ? {} : { code }) });
}
