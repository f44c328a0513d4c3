// An answer in OpenAI's chunks, for people: its text as it comes, and what is said of it on standard error.
import { SeedError } from '#lib/error.ts';
import { serverEvents } from './event-stream.ts';
import { failureFrom } from './failure.ts';
import type { HttpResponse } from './http-client.ts';
import { logLine } from './live.ts';
import type { Sink } from './sink.ts';
import { isRecord } from './table.ts';
import { paint, type TerminalOutput } from './terminal.ts';
import { printableLines } from './text-width.ts';

interface Chunk {
  model?: string;
  choices?: readonly { delta?: { content?: string | null } }[];
  usage?: Readonly<Record<string, unknown>> | null;
  ignored?: readonly string[];
  error?: unknown;
}

/** @throws SeedError what it said instead; `unavailable` when it broke off */
export async function showOpenAiAnswer(response: HttpResponse, { sink, stderr }: { sink: Sink; stderr: TerminalOutput }): Promise<void> {
  let isInLine = false;
  let facts: Pick<Chunk, 'model' | 'usage' | 'ignored'> = {};
  const endLine = async (): Promise<void> => {
    if (isInLine) await sink.write('\n');
    isInLine = false;
  };
  try {
    for await (const { data } of serverEvents(response.chunks())) {
      if (data === '[DONE]') {
        await endLine();
        const { usage, ...rest } = facts;
        stderr.write(`${paint(stderr, 'dim', logLine({ ...rest, ...usage }))}\n`);
        return;
      }
      const { error, model, choices, usage, ignored } = JSON.parse(data) as Chunk;
      if (isRecord(error)) throw failureFrom(error);
      facts = { ...facts, ...(model === undefined ? {} : { model }), ...(usage ? { usage } : {}), ...(ignored ? { ignored } : {}) };
      const text = choices?.[0]?.delta?.content ?? '';
      if (text === '') continue;
      await sink.write(printableLines(text));
      isInLine = !text.endsWith('\n');
    }
  } finally {
    await endLine();
  }
  throw new SeedError('unavailable', 'the node ended the answer in the middle', { hint: 'seed system:status shows whether it is back' });
}
