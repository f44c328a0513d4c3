// agents:chat: a model is asked once, and its answer goes out whole or as it comes.
import { uuidv7 } from '#lib/id.ts';
import { LiveAnswer, type AnswerEvent } from '#operation/live-answer.ts';
import type { OperationContext } from '#operation/operation.ts';
import type { NodePorts } from '../ports.ts';
import { ChatChunks, completionOf } from './chat-answer.ts';
import { callOptions, modelName } from './chat-request.ts';
import { streamedRun, wholeRun, type ChatAsk, type ChatPiece } from './chat-run.ts';
import type { ChatRequest } from './chat-schema.ts';

/** How long a stream waits for its first word: a failure before it is an answer with a status of its own. */
const FIRST_WORD_MS = 10_000;

export async function chat(input: ChatRequest, context: OperationContext<Pick<NodePorts, 'chat'>>) {
  const { ports, signal, nowMs } = context;
  const name = modelName(input);
  const ask: ChatAsk = { desk: ports.chat, name, options: callOptions(input), signal };
  const head = { id: `chatcmpl-${uuidv7(nowMs)}`, created: Math.floor(nowMs / 1000), model: name };
  if (input.stream === true) {
    return await liveAnswer(ask, new ChatChunks(head, { includeUsage: input.streamOptions?.includeUsage === true }));
  }
  const { text, end } = await wholeRun(ask);
  return completionOf(head, text, end);
}

async function liveAnswer(ask: ChatAsk, chunks: ChatChunks): Promise<LiveAnswer> {
  const pieces = streamedRun(ask).getReader();
  const first = pieces.read();
  await settledWithin(first, FIRST_WORD_MS);
  return new LiveAnswer(events(pieces, first, chunks));
}

async function* events(
  pieces: ReadableStreamDefaultReader<ChatPiece>,
  first: ReturnType<typeof pieces.read>,
  chunks: ChatChunks,
): AsyncGenerator<AnswerEvent, void, undefined> {
  try {
    yield { event: 'chunk', data: chunks.begin() };
    for (let step = await first; !step.done; step = await pieces.read()) {
      const made = 'end' in step.value ? chunks.end(step.value.end) : [chunks.text(step.value.text)];
      for (const data of made) yield { event: 'chunk', data };
    }
    yield { event: 'done', data: null };
  } finally {
    // Whoever leaves in the middle does not want the rest.
    await pieces.cancel();
  }
}

/** Waits for it, but not for ever. @throws whatever it comes to in that time */
async function settledWithin(work: Promise<unknown>, limitMs: number): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, limitMs);
  // It is waited for again by whoever reads the answer, who may never come.
  work.catch(() => undefined);
  try {
    await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}
