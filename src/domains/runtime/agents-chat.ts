// agents:chat — one answer of a language model, asked for and given in the shape of OpenAI's chat completions.
import { operation } from '../operation.ts';
import { chatInput, chatOutput } from './chat-schema.ts';

export const chat = operation({
  name: 'agents:chat',
  summary: "completion through a provider, as OpenAI's clients ask for it",
  description:
    "One prompt, or a list of messages, to a coding agent's command line (claude-code, codex), which then only answers and touches nothing, or to a provider's model (anthropic, openai, google, cohere, bedrock, compatible). What the model does not take (temperature for a command line) has no effect and is named in `ignored`; tools, images and several choices are refused.",
  kind: 'write',
  permission: { resource: 'agents', action: 'chat' },
  target: ['model'],
  input: chatInput,
  output: chatOutput,
  http: { method: 'POST', path: '/v1/chat/completions', raw: { contentType: 'application/json' }, dialect: 'openai' },
  cli: { positionals: ['prompt'], short: { model: 'm' }, upload: { messages: 'file' } },
  examples: [
    { summary: 'ask Claude Code', input: { prompt: 'What does first fit decreasing do?' } },
    { summary: 'ask Codex', input: { prompt: 'What does first fit decreasing do?', model: 'codex' } },
    {
      summary: 'go on with a conversation, a JSON list of {role, content}',
      input: { prompt: 'And in one word?', messages: './messages.json' },
    },
  ],
  handler: () => import('./chat.ts').then((m) => m.chat),
});
