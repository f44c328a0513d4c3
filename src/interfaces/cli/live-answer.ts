// An answer that comes while it is made: its chunks are shown as they come, what is said of the call goes to standard error.
import { SeedError } from '#lib/error.ts';
import { renderItem, renderQuiet } from './answer.ts';
import { serverEvents } from './event-stream.ts';
import { failureFrom } from './failure.ts';
import type { Format } from './globals.ts';
import type { HttpResponse } from './http-client.ts';
import { logLine } from './live.ts';
import type { Sink } from './sink.ts';
import { paint, type TerminalOutput } from './terminal.ts';
import { printableLines } from './text-width.ts';

export interface LiveAnswerOptions {
  format: Format;
  /** Chunks are not shown. */
  quiet: boolean;
  sink: Sink;
  stderr: TerminalOutput;
}

/**
 * People read texts as one text and everything else as a line each; programs get a line or a document for each chunk.
 * @throws SeedError what it said instead; `unavailable` when it broke off
 */
export async function showLiveAnswer(response: HttpResponse, { format, quiet, sink, stderr }: LiveAnswerOptions): Promise<void> {
  let isInLine = false;
  const endLine = async (): Promise<void> => {
    if (isInLine) await sink.write('\n');
    isInLine = false;
  };
  const show = async (chunk: unknown): Promise<void> => {
    if (quiet) return;
    if (format !== 'table') return sink.write(await renderItem(chunk, format));
    if (typeof chunk === 'string') {
      await sink.write(printableLines(chunk));
      isInLine = chunk === '' ? isInLine : !chunk.endsWith('\n');
      return;
    }
    await endLine();
    await sink.write(`${logLine(chunk, sink.stream)}\n`);
  };
  try {
    for await (const { event, data } of serverEvents(response.chunks())) {
      if (event === 'error') throw failureFrom(data);
      const value = JSON.parse(data) as unknown;
      if (event !== 'done') await show(value);
      else {
        await endLine();
        if (quiet) await sink.write(renderQuiet(value));
        else if (format === 'table') stderr.write(`${paint(stderr, 'dim', logLine(value))}\n`);
        return;
      }
    }
  } finally {
    await endLine();
  }
  throw new SeedError('unavailable', 'the node ended the answer in the middle', { hint: 'seed system:status shows whether it is back' });
}
