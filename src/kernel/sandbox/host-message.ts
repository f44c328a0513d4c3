// Lines between the parent and its host, as the parent writes and reads them. Inputs and outputs stay the texts they are.
import type { CallFailure, CallPath, CallRequest, CallStats } from './call.ts';
import { oneLine } from './line-reader.ts';

export interface DescribedError {
  name: string;
  message: string;
  stack?: string;
  code?: string;
}

/** What a host says. `delivered`: requests whose results its isolate has taken since its last line about this call, by number. */
export type HostMessage =
  | { word: 'done'; id: number; stats: CallStats; path: CallPath; delivered: string; outputJson: string; logsJson: string }
  | {
      word: 'failed';
      id: number;
      stats: CallStats;
      path: CallPath;
      delivered: string;
      failure: CallFailure;
      suspects: number;
      error: DescribedError;
      logsJson: string;
    }
  | { word: 'request' | 'notify'; id: number; request: number; name: string; delivered: string; argsJson: string }
  | { word: 'step'; id: number; delivered: string }
  | { word: 'value'; id: number; json: string }
  | { word: 'refused'; id: number; failure: CallFailure; suspects: number; error: DescribedError }
  | { word: 'pong'; id: number; isolates: number; executing: number }
  | { word: 'ready' };

/** Null for what no host says. */
export function readMessage(line: string): HostMessage | null {
  const fields = line.split('\t');
  const [word, number = '', third = '', fourth = '', fifth = '', delivered = '', seventh = '', eighth = '', error = '{}', logs = '[]'] =
    fields;
  const id = Number(number);
  switch (word) {
    case 'done': {
      const stats = { cpuUs: Number(third), wallUs: Number(fourth) };
      return { word, id, stats, path: fifth as CallPath, delivered, outputJson: seventh, logsJson: eighth };
    }
    case 'failed':
      return {
        word,
        id,
        stats: { cpuUs: Number(third), wallUs: Number(fourth) },
        path: fifth as CallPath,
        delivered,
        failure: seventh as CallFailure,
        suspects: Number(eighth),
        error: withoutRuntime(JSON.parse(error) as DescribedError),
        logsJson: logs,
      };
    case 'request':
    case 'notify':
      return { word, id, request: Number(third), name: fourth, delivered: fifth, argsJson: delivered };
    case 'step':
      return { word, id, delivered: third };
    case 'value':
      return { word, id, json: third };
    case 'refused':
      return {
        word,
        id,
        failure: third as CallFailure,
        suspects: Number(fourth),
        error: withoutRuntime(JSON.parse(fifth) as DescribedError),
      };
    case 'pong':
      return { word, id, isolates: Number(third), executing: Number(fourth) };
    case 'ready':
      return { word };
    default:
      return null;
  }
}

export function callLine(call: { seq: number; request: CallRequest }, options: { version: number; stepwise: boolean }): string {
  const { exportName, path, timeMs, seed, key, principalJson, inputJson } = call.request;
  const { version, stepwise } = options;
  return `call\t${call.seq}\t${version}\t${oneLine(exportName)}\t${path}\t${timeMs}\t${seed}\t${stepwise ? 1 : 0}\t${JSON.stringify(key)}\t${oneLine(principalJson)}\t${oneLine(inputJson)}\n`;
}

export function deliverLine(seq: number, result: { request: number; timeMs: number; ok: boolean; json: string }): string {
  const { request, timeMs, ok, json } = result;
  return `deliver\t${seq}\t${request}\t${timeMs}\t${ok ? 'ok' : 'error'}\t${oneLine(json)}\n`;
}

/** Frames of the runtime in the isolate say nothing to the author. */
function withoutRuntime(error: DescribedError): DescribedError {
  if (error.stack === undefined) return error;
  const lines = error.stack.split('\n').filter((line) => !line.includes('seed:guest'));
  return { ...error, stack: lines.join('\n') };
}
