// Lines between the parent and its host, as the parent writes and reads them. Inputs and outputs stay the texts they are.
import type { CallFailure, CallPath, CallRequest, CallStats } from './call.ts';
import { oneLine } from './line-reader.ts';

export interface DescribedError {
  name: string;
  message: string;
  stack?: string;
  code?: string;
}

/** What a host says. `delivered`: what its isolate was given since its last line about this call; `JournalRecorder.delivered` reads it. */
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
  | { word: 'step' | 'stream'; id: number; delivered: string }
  | { word: 'chunk'; id: number; delivered: string; json: string }
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
    case 'stream':
      return { word, id, delivered: third };
    case 'chunk':
      return { word, id, delivered: third, json: fourth };
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

/** The reader of a stream has room for so much since its beginning. */
export function grantLine(seq: number, room: { chunks: number; chars: number }): string {
  return `grant\t${seq}\t${room.chunks}\t${room.chars}\n`;
}

/** The reader of a stream has gone: its generator is told to return, and the call ends when it has. */
export function leaveLine(seq: number): string {
  return `leave\t${seq}\n`;
}

/** At once, whatever it does. */
export function cancelLine(seq: number): string {
  return `cancel\t${seq}\n`;
}

/** Frames of the runtime in the isolate say nothing to the author. */
function withoutRuntime(error: DescribedError): DescribedError {
  if (error.stack === undefined) return error;
  const lines = error.stack.split('\n').filter((line) => !line.includes('seed:guest'));
  return { ...error, stack: lines.join('\n') };
}
