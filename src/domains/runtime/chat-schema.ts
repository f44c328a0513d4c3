// What a chat completion is asked and what it answers, in OpenAI's members.
import { z } from 'zod';

const message = z
  .looseObject({
    role: z.enum(['system', 'developer', 'user', 'assistant']),
    content: z.unknown().optional().describe('a text, or a list of {type: "text", text}'),
  })
  .describe('what was said so far; other members of a message mean nothing here');

const tokens = z.int().min(0);

const completionUsage = z.object({
  promptTokens: tokens,
  completionTokens: tokens,
  totalTokens: tokens,
  promptTokensDetails: z.object({ cachedTokens: tokens }),
  completionTokensDetails: z.object({ reasoningTokens: tokens }),
  costMicroUsd: z.int().min(0).optional().describe('where the model says what it cost'),
});

export const chatInput = z.object({
  prompt: z.string().min(1).max(100_000).optional().describe('the question; comes after the messages, where there are some'),
  model: z
    .string()
    .max(200)
    // It stands in a command line: nothing that looks like a flag.
    .regex(/^[A-Za-z0-9][A-Za-z0-9._:@/-]*$/, { error: 'letters, digits and "._:@/-", the first a letter or digit' })
    .optional()
    .describe('claude-code (default), codex, each also with /model, or provider/model'),
  provider: z
    .string()
    .max(40)
    .regex(/^[a-z][a-z0-9-]*$/, { error: 'lower-case letters, digits and "-"' })
    .optional()
    .describe('what stands before the slash of a model that has none; claude means claude-code'),
  messages: z.array(message).min(1).max(100).optional().describe('the conversation so far'),
  maxCompletionTokens: z.int().min(1).nullish().describe('length of the answer, at most'),
  maxTokens: z.int().min(1).nullish().describe('former name of max_completion_tokens'),
  temperature: z.number().min(0).max(2).nullish(),
  topP: z.number().min(0).max(1).nullish(),
  stop: z
    .union([z.string(), z.array(z.string()).max(4)])
    .nullish()
    .describe('texts at which the answer ends'),
  seed: z.int().nullish(),
  presencePenalty: z.number().min(-2).max(2).nullish(),
  frequencyPenalty: z.number().min(-2).max(2).nullish(),
  responseFormat: z
    .looseObject({
      type: z.enum(['text', 'json_object', 'json_schema']),
      jsonSchema: z.record(z.string(), z.unknown()).optional().describe('{name, schema}'),
    })
    .nullish()
    .describe('the answer is JSON; with json_schema of that shape'),
  stream: z.boolean().nullish().describe('server-sent events with chat.completion.chunk, then [DONE]; the command line asks by itself'),
  streamOptions: z.looseObject({ includeUsage: z.boolean().optional() }).nullish().describe('include_usage: a last chunk with the usage'),
  n: z.int().min(1).max(1).nullish().describe('there is one choice'),
  user: z.string().nullish().describe('has no effect'),
  store: z.boolean().nullish().describe('has no effect'),
  metadata: z.record(z.string(), z.unknown()).nullish().describe('has no effect'),
});

export type ChatRequest = z.output<typeof chatInput>;

export const chatOutput = z.object({
  id: z.string(),
  object: z.literal('chat.completion'),
  created: z.int().describe('seconds since 1970'),
  model: z.string().describe('as it was asked for'),
  choices: z.array(
    z.object({
      index: z.int(),
      message: z.object({ role: z.literal('assistant'), content: z.string() }),
      finishReason: z.enum(['stop', 'length', 'content_filter']),
    }),
  ),
  usage: completionUsage.nullable().describe('as the model counts; null where it did not say'),
  ignored: z.array(z.string()).optional().describe('members of the request that this model does not take'),
});

export type ChatCompletion = z.input<typeof chatOutput>;
