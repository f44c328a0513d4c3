import { describe, expect, test } from 'vitest';
import { callOptions, modelName } from './chat-request.ts';
import { chatInput } from './chat-schema.ts';

describe('who is asked', () => {
  test.each([
    [{}, 'claude-code'],
    [{ model: 'codex' }, 'codex'],
    [{ model: 'claude-code/opus' }, 'claude-code/opus'],
    [{ model: 'bedrock/anthropic.claude-3:0' }, 'bedrock/anthropic.claude-3:0'],
    [{ provider: 'claude' }, 'claude-code'],
    [{ provider: 'codex' }, 'codex'],
    [{ provider: 'codex', model: 'codex' }, 'codex'],
    [{ provider: 'claude', model: 'opus' }, 'claude-code/opus'],
    [{ provider: 'claude', model: 'claude-code/opus' }, 'claude-code/opus'],
    [{ provider: 'openai', model: 'gpt-5.5' }, 'openai/gpt-5.5'],
  ])('%o is %s', (request, name) => {
    expect(modelName(request)).toBe(name);
  });

  test.each(['--dangerously-skip-permissions', '', 'a b', 'a\nb', '/x', 'x'.repeat(201)])('%j is no name', (model) => {
    expect(chatInput.safeParse({ model }).success).toBe(false);
  });
});

const user = (text: string) => ({ role: 'user', content: [{ type: 'text', text }] });

describe('what is asked', () => {
  test('a conversation with instructions, and the prompt after it', () => {
    const { prompt } = callOptions(
      chatInput.parse({
        messages: [
          { role: 'developer', content: 'Be terse.' },
          {
            role: 'user',
            content: [
              { type: 'text', text: 'What ' },
              { type: 'text', text: 'changed?' },
            ],
            name: 'ada',
          },
          { role: 'assistant', content: 'Much.', refusal: null, tool_calls: [] },
        ],
        prompt: 'Say more.',
      }),
    );
    expect(prompt).toEqual([
      { role: 'system', content: 'Be terse.' },
      user('What changed?'),
      { role: 'assistant', content: [{ type: 'text', text: 'Much.' }] },
      user('Say more.'),
    ]);
  });

  test('how it is to be answered; null is as if it were not there', () => {
    const schema = { type: 'object', properties: {} };
    expect(
      callOptions(
        chatInput.parse({
          prompt: 'x',
          maxTokens: 5,
          maxCompletionTokens: 7,
          temperature: 0,
          topP: null,
          stop: 'END',
          responseFormat: { type: 'json_schema', jsonSchema: { name: 'thing', schema, strict: true } },
        }),
      ),
    ).toEqual({
      prompt: [user('x')],
      maxOutputTokens: 7,
      temperature: 0,
      stopSequences: ['END'],
      responseFormat: { type: 'json', schema, name: 'thing' },
    });
  });

  test.each([
    [{}, 'prompt'],
    [{ messages: [{ role: 'system', content: 'x' }] }, 'messages'],
    [{ messages: [{ role: 'user' }] }, 'messages.0.content'],
    [{ messages: [{ role: 'user', content: 4 }] }, 'messages.0.content'],
    [{ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'http://x' } }] }] }, 'messages.0.content.0'],
    [{ messages: [{ role: 'user', content: [null] }] }, 'messages.0.content.0'],
    [{ messages: [{ role: 'assistant', tool_calls: [{ id: 'x' }] }] }, 'messages.0.tool_calls'],
    [{ prompt: 'x', responseFormat: { type: 'json_schema' } }, 'response_format.json_schema.schema'],
  ])('%j is refused at %s', (request, path) => {
    const ask = (): unknown => callOptions(chatInput.parse(request));
    expect(ask).toThrow(expect.objectContaining({ code: 'invalid_input', details: [expect.objectContaining({ path })] }) as Error);
  });
});
