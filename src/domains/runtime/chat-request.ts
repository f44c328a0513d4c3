// A request in OpenAI's members as what language models are called with.
import type { LanguageModelV4CallOptions, LanguageModelV4Message } from '@ai-sdk/provider';
import { SeedError } from '#lib/error.ts';
import type { ChatRequest } from './chat-schema.ts';

type Message = NonNullable<ChatRequest['messages']>[number];

const DEFAULT_MODEL = 'claude-code';
const OTHER_NAMES: Readonly<Record<string, string>> = { claude: 'claude-code' };

/** Who is asked, and after a slash which model, where one was named. */
export function modelName({ model, provider }: Pick<ChatRequest, 'model' | 'provider'>): string {
  if (provider === undefined) return model ?? DEFAULT_MODEL;
  const family = OTHER_NAMES[provider] ?? provider;
  if (model === undefined || model === family || model.startsWith(`${family}/`)) return model ?? family;
  return `${family}/${model}`;
}

/** @throws SeedError `invalid_input` for a message that is no text, and when nothing is asked */
export function callOptions(request: ChatRequest): LanguageModelV4CallOptions {
  const { maxCompletionTokens, maxTokens, temperature, topP, stop, seed, presencePenalty, frequencyPenalty } = request;
  return {
    prompt: promptOf(request),
    ...given('maxOutputTokens', maxCompletionTokens ?? maxTokens),
    ...given('temperature', temperature),
    ...given('topP', topP),
    ...given('stopSequences', typeof stop === 'string' ? [stop] : stop),
    ...given('seed', seed),
    ...given('presencePenalty', presencePenalty),
    ...given('frequencyPenalty', frequencyPenalty),
    ...given('responseFormat', responseFormat(request)),
  };
}

function promptOf({ messages = [], prompt }: ChatRequest): LanguageModelV4Message[] {
  const said = messages.map((message, index) => messageOf(message.role, textOf(message, `messages.${index}`)));
  const asked = prompt === undefined ? said : [...said, messageOf('user', prompt)];
  if (asked.some(({ role }) => role === 'user')) return asked;
  throw refused(messages.length === 0 ? 'prompt' : 'messages', 'nothing is asked: there is no prompt and no message of the user');
}

function messageOf(role: Message['role'], text: string): LanguageModelV4Message {
  if (role === 'user' || role === 'assistant') return { role, content: [{ type: 'text', text }] };
  return { role: 'system', content: text };
}

function textOf({ role, content, ...rest }: Message, path: string): string {
  for (const member of ['tool_calls', 'function_call', 'audio']) {
    const value = rest[member];
    if (value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0)) {
      throw refused(`${path}.${member}`, 'only text is understood');
    }
  }
  if (typeof content === 'string') return content;
  // An answer that is sent back with what follows it may be empty.
  if ((content === null || content === undefined) && role === 'assistant') return '';
  if (!Array.isArray(content)) throw refused(`${path}.content`, 'is a text, or a list of {type: "text", text}');
  return content
    .map((part: unknown, index) => {
      const { type, text } = (part ?? {}) as { type?: unknown; text?: unknown };
      if (type === 'text' && typeof text === 'string') return text;
      throw refused(`${path}.content.${index}`, `only text is understood, not ${JSON.stringify(type ?? null).slice(0, 40)}`);
    })
    .join('');
}

function responseFormat({ responseFormat: format }: ChatRequest): LanguageModelV4CallOptions['responseFormat'] {
  if (format === undefined || format === null || format.type === 'text') return undefined;
  if (format.type === 'json_object') return { type: 'json' };
  const { schema, name, description } = format.jsonSchema ?? {};
  if (schema === null || typeof schema !== 'object' || Array.isArray(schema)) {
    throw refused('response_format.json_schema.schema', 'is a JSON Schema');
  }
  return {
    type: 'json',
    schema,
    ...(typeof name === 'string' ? { name } : {}),
    ...(typeof description === 'string' ? { description } : {}),
  };
}

function given<K extends keyof LanguageModelV4CallOptions>(
  name: K,
  value: LanguageModelV4CallOptions[K] | null,
): Pick<LanguageModelV4CallOptions, K> | Record<never, never> {
  return value === undefined || value === null ? {} : { [name]: value };
}

function refused(path: string, message: string): SeedError {
  return new SeedError('invalid_input', `${path}: ${message}`, {
    details: [{ path, message }],
    hint: 'what it takes: seed help agents:chat',
  });
}
