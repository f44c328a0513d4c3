// Runs a bundle once in an isolate of its own and gives back one of its exports as JSON: how a contract becomes data.
import type { FailureReport } from './hosted-call.ts';
import type { BlackBoxWriter } from '../black-box.ts';
import { AS_COPY, agentSource, createContext, textOf, type EntryResult, type GuestIsolates } from './guest-isolates.ts';
import { errorJson } from './hosted-call.ts';
import type { Meter, Watchdog } from './watchdog.ts';

export interface ScriptMessage {
  js: string;
  /** Name of the export: a value, or a function that is called without arguments. */
  entry: string;
  deadlineMs: number;
  memoryMb: number;
}

export type ScriptAnswer = { ok: true; json: string } | ({ ok: false } & FailureReport);

export async function scriptValue(
  message: ScriptMessage,
  options: { call: number; isolates: GuestIsolates; watchdog: Watchdog; blackBox: BlackBoxWriter; slots: number[] },
): Promise<ScriptAnswer> {
  const { call, isolates, watchdog, blackBox, slots } = options;
  const slot = slots.pop();
  if (slot === undefined)
    return { ok: false, failure: 'host_lost', suspects: 0, errorJson: errorJson('the host holds as many isolates as it may') };
  const parts = isolates.create(message.memoryMb);
  const { isolate } = parts;
  const meter: Meter = { cpuUs: 0, wallUs: 0, cpuLimitUs: Number.POSITIVE_INFINITY, wallLimitUs: message.deadlineMs * 1000 };
  let isLate = false;
  const onLimit = (): void => {
    isLate = true;
    isolate.dispose();
  };
  const run = async <T>(enter: () => Promise<T>): Promise<T> => {
    const execution = watchdog.begin({ isolate, meter, call, onLimit });
    try {
      return await enter();
    } finally {
      watchdog.end(execution);
    }
  };
  const failed = (failure: FailureReport['failure'], error: string): ScriptAnswer => ({
    ok: false,
    failure,
    suspects: 1,
    errorJson: error,
  });
  blackBox.enter(slot, call);
  try {
    const { context, entry } = createContext(parts);
    const script = await run(() => isolate.compileScript(agentSource(message.js), { filename: 'contract.js' }));
    await run(() => script.run(context));
    const result = await run(() => entry.apply(undefined, ['value', message.entry], AS_COPY) as Promise<EntryResult>);
    const [kind, json = ''] = textOf(result).split('\t');
    if (kind === 'value') return { ok: true, json };
    if (kind === 'threw') return failed('threw', json);
    return failed('deadline', errorJson(`${message.entry} gave a promise that nothing settles`));
  } catch (error) {
    if (isLate) return failed('deadline', errorJson(`no value after ${message.deadlineMs} ms`));
    if (isolate.isDisposed) return failed('memory_limit', errorJson(`more than ${message.memoryMb} MB of memory`));
    return failed('threw', errorJson(error));
  } finally {
    blackBox.leave(slot);
    slots.push(slot);
    isolates.dispose(isolate);
  }
}
