// A model's server that follows a script: it speaks what the two real programs demand (Anthropic's messages and OpenAI's responses,
// both streamed), OpenAI's chat completions for whoever asks a model without a program, and nothing more. The scenario is in the path, the step follows from how many tool results a request brings.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Tokens {
  input: number;
  output: number;
}

/** What the model does in one step. `write` is a file that it asks its tools to write, relative to where it works or absolute. */
export type Step =
  | { text: string; usage?: Tokens }
  | { write: { path: string; content: string }; usage?: Tokens }
  /** A command that it asks its tools to run. */
  | { shell: string }
  /** A file or a folder that it asks its tools to show it: by a search where they have no shell. */
  | { look: string }
  /** The structure that Claude Code was asked for: it asks for it as a tool. */
  | { structured: unknown }
  | { status: number; retryAfterSeconds?: number }
  /** The connection breaks in the middle of the answer. */
  | 'cut'
  /** Nothing is ever answered. */
  | 'silence';

export interface Scenario {
  /** By the number of tool results so far; the last one also answers everything after it. */
  steps: readonly Step[];
  /** Answered instead, in order, before anything else: what a retry meets. */
  first?: readonly Step[];
}

export interface ScriptedRequest {
  scenario: string;
  api: 'anthropic' | 'openai' | 'chat';
  /** Whole, as it came. */
  body: Readonly<Record<string, unknown>>;
  headers: IncomingMessage['headers'];
  /** What the answer was said to cost; null: there was none. */
  tokens: Tokens | null;
}

const TOKENS: Tokens = { input: 100, output: 20 };
const APIS = { messages: 'anthropic', responses: 'openai', 'chat/completions': 'chat' } as const;

export class ScriptedApi implements AsyncDisposable {
  readonly requests: ScriptedRequest[] = [];
  readonly #scenarios = new Map<string, Scenario & { asked: number }>();
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  static async start(): Promise<ScriptedApi> {
    const api = new ScriptedApi();
    await new Promise<void>((resolve) => api.#server.listen(0, '127.0.0.1', resolve));
    return api;
  }

  /** @returns the base addresses for the two programs */
  play(name: string, scenario: Scenario): { claude: string; codex: string } {
    this.#scenarios.set(name, { ...scenario, asked: 0 });
    const base = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/s/${name}`;
    return { claude: base, codex: `${base}/v1` };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, name = '', path = ''] = /^\/s\/([\w-]+)\/v1\/(messages|responses|chat\/completions)(?:\?|$)/.exec(request.url ?? '') ?? [];
    const scenario = this.#scenarios.get(name);
    if (request.method !== 'POST' || scenario === undefined) return void response.writeHead(404).end('{}');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>;
    const api = APIS[path as keyof typeof APIS];
    const results = api === 'anthropic' ? anthropicResults(body) : api === 'openai' ? openaiResults(body) : 0;
    const step = scenario.first?.[scenario.asked] ?? scenario.steps[Math.min(results, scenario.steps.length - 1)];
    scenario.asked += 1;
    const isAnswered = typeof step === 'object' && !('status' in step);
    const tokens = isAnswered ? tokensOf(step) : null;
    this.requests.push({ scenario: name, api, body, headers: request.headers, tokens });
    if (step === undefined || step === 'silence') return;
    if (typeof step === 'object' && 'status' in step) return refuse(response, step, api);
    if (api === 'chat') return tellWhole(response, step);
    response.writeHead(200, { 'content-type': 'text/event-stream', 'request-id': `req_${this.requests.length}` });
    const id = `${name}_${this.requests.length}`;
    const events = api === 'anthropic' ? anthropicEvents(step, id, String(body['model'])) : openaiEvents(step, id);
    for (const event of events) response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    if (step === 'cut') response.destroy();
    else response.end();
  }
}

interface WireEvent {
  type: string;
}

type Told = Exclude<Step, { status: number } | 'silence'>;

function refuse(
  response: ServerResponse,
  { status, retryAfterSeconds }: { status: number; retryAfterSeconds?: number },
  api: string,
): void {
  const error = { type: 'scripted_error', message: `scripted ${status}` };
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
  });
  response.end(JSON.stringify(api === 'anthropic' ? { type: 'error', error } : { error }));
}

function tokensOf(step: Exclude<Told, 'cut'>): Tokens {
  return ('usage' in step ? step.usage : undefined) ?? TOKENS;
}

/** A file to write is the answer's structure: there are no tools. */
function tellWhole(response: ServerResponse, step: Told): void {
  if (step === 'cut') return void response.destroy();
  const { input, output } = tokensOf(step);
  const content =
    'write' in step ? JSON.stringify({ files: [step.write], note: 'as it was asked' }) : 'text' in step ? step.text : JSON.stringify(step);
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(
    JSON.stringify({
      id: 'chat',
      object: 'chat.completion',
      created: 1,
      model: 'scripted',
      choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
      usage: { prompt_tokens: input, completion_tokens: output, total_tokens: input + output },
    }),
  );
}

/** Messages of the user's that bring results, since the last one that does not. */
function anthropicResults(body: Readonly<Record<string, unknown>>): number {
  const messages = body['messages'] as { role: string; content: string | { type: string }[] }[];
  let results = 0;
  for (const { role, content } of messages) {
    if (role !== 'user') continue;
    if (Array.isArray(content) && content.some((part) => part.type === 'tool_result')) results += 1;
    else results = 0;
  }
  return results;
}

function openaiResults(body: Readonly<Record<string, unknown>>): number {
  const input = body['input'] as { type?: string; role?: string }[];
  let results = 0;
  for (const { type, role } of input) {
    if (type === 'function_call_output' || type === 'custom_tool_call_output') results += 1;
    else if (role === 'user') results = 0;
  }
  return results;
}

function* anthropicEvents(step: Told, id: string, model: string): Generator<WireEvent & Record<string, unknown>> {
  const tokens = step === 'cut' ? TOKENS : tokensOf(step);
  const input = { input_tokens: tokens.input, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 };
  yield {
    type: 'message_start',
    message: {
      id: `msg_${id}`,
      type: 'message',
      role: 'assistant',
      model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { ...input, output_tokens: 1 },
    },
  };
  const tool = step === 'cut' ? null : anthropicTool(step);
  const block = tool === null ? { type: 'text', text: '' } : { type: 'tool_use', id: `toolu_${id}`, name: tool.name, input: {} };
  yield { type: 'content_block_start', index: 0, content_block: block };
  if (step === 'cut') {
    yield { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'half of an' } };
    return;
  }
  if (tool !== null) {
    yield { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: JSON.stringify(tool.input) } };
  } else {
    for (const text of inPieces(typeof step === 'object' && 'text' in step ? step.text : ''))
      yield { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } };
  }
  yield { type: 'content_block_stop', index: 0 };
  const stop_reason = tool === null ? 'end_turn' : 'tool_use';
  yield { type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: tokens.output } };
  yield { type: 'message_stop' };
}

function anthropicTool(step: Exclude<Told, 'cut'>): { name: string; input: unknown } | null {
  if ('write' in step) return { name: 'Write', input: { file_path: step.write.path, content: step.write.content } };
  if ('structured' in step) return { name: 'StructuredOutput', input: step.structured };
  if ('shell' in step) return { name: 'Bash', input: { command: step.shell } };
  if ('look' in step) return { name: 'Grep', input: { pattern: '.', path: step.look, output_mode: 'content' } };
  return null;
}

function* openaiEvents(step: Told, id: string): Generator<WireEvent & Record<string, unknown>> {
  yield { type: 'response.created', response: { id: `resp_${id}` } };
  if (step === 'cut') return;
  const command = 'shell' in step ? step.shell : 'look' in step ? `ls -la ${step.look}; grep -r . ${step.look}` : null;
  const item =
    'write' in step
      ? { type: 'custom_tool_call', call_id: `call_${id}`, name: 'apply_patch', input: addFile(step.write) }
      : command !== null
        ? { type: 'function_call', call_id: `call_${id}`, name: 'exec_command', arguments: JSON.stringify({ cmd: command }) }
        : { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'text' in step ? step.text : structureOf(step) }] };
  yield { type: 'response.output_item.done', item };
  const tokens = tokensOf(step);
  yield {
    type: 'response.completed',
    response: {
      id: `resp_${id}`,
      usage: {
        input_tokens: tokens.input,
        input_tokens_details: { cached_tokens: 0 },
        output_tokens: tokens.output,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: tokens.input + tokens.output,
      },
    },
  };
}

function structureOf(step: Exclude<Told, 'cut'>): string {
  return JSON.stringify('structured' in step ? step.structured : null);
}

/** Adding a file that is there replaces it. */
function addFile({ path, content }: { path: string; content: string }): string {
  const lines = content.replace(/\n$/, '').split('\n');
  return ['*** Begin Patch', `*** Add File: ${path}`, ...lines.map((line) => `+${line}`), '*** End Patch'].join('\n');
}

function inPieces(text: string): string[] {
  return text.match(/[\s\S]{1,12}/g) ?? [''];
}
