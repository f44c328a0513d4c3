// Claude Code (`claude --print`) as a coding agent: how it is called, what its lines mean, and when a run of it was a success.
import type { Trial } from './apart.ts';
import { claudeCredential, type ClaudeCredentialSource } from './claude-credential.ts';
import { runCli, type CliCommand, type CliReader, type Verdict } from './cli-run.ts';
import type { Tokens } from '../token-prices.ts';
import type { CliEvent, CliFailure, CliRequest, CliUsage, CodingCli } from './coding-cli.ts';
import type { CommandEnd, JsonLine } from './json-lines.ts';
import type { Apart, RunPlace } from './run-place.ts';
import { tooOld } from './too-old.ts';

export interface ClaudeSettings extends ClaudeCredentialSource {
  /** A path, or a name that is looked up in `searchPath`. Default `claude`. */
  cliPath?: string | undefined;
  /** An alias or a full name. Default `sonnet`. */
  model?: string | undefined;
  /** Of the model's server, without /v1. Default: Anthropic's. */
  apiUrl?: string | undefined;
  maxOutputTokens?: number | undefined;
  /** How often a request that failed is made again. Default 2. */
  maxRetries?: number | undefined;
  /** Its own home: sessions and caches. Not the user's. */
  stateFolder: string;
  searchPath: string;
  /** How it is run as somebody else, with an empty home for each run: no session is gone on with then. Default: as this process. */
  apart?: (() => Promise<Apart | null>) | undefined;
}

const ANSWER_TOOLS = '';
const EDIT_TOOLS = 'Read,Edit,Write,Glob,Grep';

export const CLAUDE_TRIAL: Trial = { args: ['--version'] };

export function claudeCli(settings: ClaudeSettings): CodingCli {
  return {
    name: 'claude-code',
    run: (request) =>
      runCli(request, {
        reader: new ClaudeReader(request),
        apart: settings.apart,
        prepare: (place) => prepare(settings, request, place),
      }),
  };
}

function prepare(settings: ClaudeSettings, request: CliRequest, place: RunPlace): CliCommand | { missing: string } {
  const credential = claudeCredential(settings, Date.now());
  if (credential === null) {
    return { missing: 'Claude Code has no credential: set CLAUDE_CODE_OAUTH_TOKEN or ANTHROPIC_API_KEY, or mount CLAUDE_HOME' };
  }
  const instructions = request.instructions === undefined ? null : place.file('instructions.txt', request.instructions);
  return {
    command: settings.cliPath ?? 'claude',
    args: argumentsOf(settings, request, instructions),
    env: { ...environmentOf(settings, credential), ...place.home },
    input: request.prompt,
  };
}

function argumentsOf(settings: ClaudeSettings, request: CliRequest, instructionsFile: string | null): string[] {
  const { reach, resume, maxTurns, budgetMicroUsd } = request;
  const rights =
    reach.kind === 'answer'
      ? ['--tools', ANSWER_TOOLS, '--permission-mode', 'dontAsk']
      : [
          '--tools',
          EDIT_TOOLS,
          '--permission-mode',
          'dontAsk',
          // Two slashes: an absolute path. Without a path a rule for Write reaches everywhere.
          '--allowedTools',
          `Write(/${reach.folder}/**)`,
          `Edit(/${reach.folder}/**)`,
          `Read(/${reach.folder}/**)`,
          'Glob',
          'Grep',
        ];
  return [
    '--print',
    '--output-format',
    'stream-json',
    '--verbose',
    '--include-partial-messages',
    '--setting-sources',
    '',
    '--strict-mcp-config',
    '--model',
    request.model ?? settings.model ?? 'sonnet',
    ...rights,
    ...(request.schema === undefined ? [] : ['--json-schema', JSON.stringify(request.schema)]),
    ...(instructionsFile === null ? [] : ['--system-prompt-file', instructionsFile]),
    ...(maxTurns === undefined ? [] : ['--max-turns', String(maxTurns)]),
    ...(budgetMicroUsd === undefined ? [] : ['--max-budget-usd', (budgetMicroUsd / 1e6).toFixed(6)]),
    ...(resume === undefined ? [] : ['--resume', resume.sessionId]),
  ];
}

function environmentOf(settings: ClaudeSettings, credential: Readonly<Record<string, string>>): Record<string, string> {
  return {
    PATH: settings.searchPath,
    HOME: settings.stateFolder,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    CLAUDE_CODE_MAX_RETRIES: String(settings.maxRetries ?? 2),
    ...(settings.apiUrl === undefined ? {} : { ANTHROPIC_BASE_URL: settings.apiUrl }),
    ...(settings.maxOutputTokens === undefined ? {} : { CLAUDE_CODE_MAX_OUTPUT_TOKENS: String(settings.maxOutputTokens) }),
    ...credential,
  };
}

interface Part {
  type?: string;
  id?: string;
  name?: string;
  tool_use_id?: string;
  is_error?: boolean;
  input?: Record<string, unknown>;
}

interface UsageLine {
  input_tokens?: number;
  cache_creation_input_tokens?: number;
  cache_read_input_tokens?: number;
  output_tokens?: number;
}

/** What the server says as it answers, of one answer: its input at the start, its output at the end. */
interface StreamEvent {
  type?: string;
  message?: { usage?: UsageLine };
  usage?: UsageLine;
  delta?: { type?: string; text?: string };
}

interface ResultLine {
  subtype?: string;
  is_error?: boolean;
  api_error_status?: number | null;
  result?: string;
  structured_output?: unknown;
  errors?: readonly unknown[];
  session_id?: string;
  num_turns?: number;
  total_cost_usd?: number;
  terminal_reason?: string;
  usage?: UsageLine;
  permission_denials?: readonly { tool_name?: string }[];
}

class ClaudeReader implements CliReader {
  readonly #request: CliRequest;
  #sessionId: string | null = null;
  #result: ResultLine | null = null;
  /** What each of the server's answers has used so far: all there is to say of a run that was cut off. */
  readonly #answers: UsageLine[] = [];
  /** By the use of a tool that has not come back. */
  readonly #writing = new Map<string, string>();

  constructor(request: CliRequest) {
    this.#request = request;
  }

  *take(line: JsonLine): Generator<CliEvent, void, void> {
    switch (line['type']) {
      case 'system':
        return yield* this.#system(line);
      case 'stream_event': {
        const event = (line['event'] ?? {}) as StreamEvent;
        const { type, delta } = event;
        if (type === 'message_start') this.#answers.push({ ...event.message?.usage });
        // Counted from the start of the answer, not from the last one.
        else if (type === 'message_delta') Object.assign(this.#answers.at(-1) ?? {}, event.usage);
        else if (type === 'content_block_delta' && delta?.type === 'text_delta') yield { type: 'text', delta: delta.text ?? '' };
        return;
      }
      case 'assistant': {
        const { message } = line as { message?: { content?: readonly Part[] } };
        for (const part of message?.content ?? []) {
          if (part.type !== 'tool_use') continue;
          const path = part.input?.['file_path'];
          yield { type: 'tool', name: part.name ?? '', detail: typeof path === 'string' ? path : '' };
          if (typeof path === 'string' && (part.name === 'Write' || part.name === 'Edit')) this.#writing.set(part.id ?? '', path);
        }
        return;
      }
      case 'user': {
        const { message } = line as { message?: { content?: string | readonly Part[] } };
        // What a tool has come to; a prompt is text alone.
        for (const part of Array.isArray(message?.content) ? (message.content as readonly Part[]) : []) {
          const path = this.#writing.get(part.tool_use_id ?? '');
          if (path !== undefined && part.is_error !== true) yield { type: 'file', path };
        }
        return;
      }
      case 'result':
        this.#result = line;
        this.#sessionId = this.#result.session_id ?? this.#sessionId;
        yield { type: 'usage', usage: this.#usage() };
    }
  }

  *#system(line: JsonLine): Generator<CliEvent, void, void> {
    const { subtype, session_id: sessionId, model } = line as { subtype?: string; session_id?: string; model?: string };
    if (subtype === 'init' && sessionId !== undefined) {
      this.#sessionId = sessionId;
      yield { type: 'started', sessionId, model: model ?? null };
    } else if (subtype === 'api_retry') {
      const { attempt = 0, retry_delay_ms: delayMs = 0, error_status: status = null } = line as Record<string, number | undefined>;
      yield { type: 'retry', attempt, status, delayMs };
    }
  }

  /** Not by `subtype`, which is `success` after every error of the server's, and not by the exit code alone, which is 0 after SIGINT. */
  verdict(end: CommandEnd): Verdict {
    const result = this.#result;
    const common = { sessionId: this.#sessionId, usage: this.#usage(), turns: result?.num_turns ?? 0 };
    const failed = (failure: CliFailure, message: string): Verdict => ({ ok: false, failure, message, ...common });
    if (end.timedOut) return failed('timeout', `Claude Code had not ended after ${this.#request.timeoutMs} ms`);
    if (end.stopped) return failed('cancelled', 'Claude Code was ended');
    const how = end.code === null ? `by ${end.signal}` : `with exit code ${end.code}`;
    const old = result === null ? tooOld('Claude Code', end.lastWords) : null;
    if (old !== null) return failed('too_old', old);
    if (result === null)
      return failed('protocol', `Claude Code ended ${how} without a result${end.lastWords === '' ? '' : `: ${end.lastWords}`}`);
    const words = result.result ?? (result.errors ?? []).map(String).join('; ');
    if (end.code !== 0 || result.is_error === true)
      return failed(failureOf(result, words), words === '' ? `Claude Code ended ${how}` : words);
    const [denied] = result.permission_denials ?? [];
    if (denied !== undefined) return failed('denied', `Claude Code wanted to use ${denied.tool_name ?? 'a tool'} where it may not`);
    if (this.#request.schema === undefined) return { ok: true, text: result.result ?? '', ...common };
    // It may answer in words all the same, and call that a success.
    if (result.structured_output === undefined) return failed('protocol', 'Claude Code answered without the structure that was asked for');
    return { ok: true, text: JSON.stringify(result.structured_output), ...common };
  }

  /** `usage` is this run's, the cost is the session's. */
  #usage(): CliUsage {
    const { usage, total_cost_usd: totalUsd } = this.#result ?? {};
    const bookedMicroUsd = this.#request.resume?.booked.costMicroUsd ?? 0;
    return {
      ...tokensOf(usage === undefined ? this.#answers : [usage]),
      costMicroUsd: totalUsd === undefined ? null : Math.max(0, Math.round(totalUsd * 1e6) - bookedMicroUsd),
    };
  }
}

function tokensOf(lines: readonly UsageLine[]): Tokens {
  const sum = (...keys: readonly (keyof UsageLine)[]): number =>
    lines.reduce((total, line) => keys.reduce((all, key) => all + (line[key] ?? 0), total), 0);
  return {
    inputTokens: sum('input_tokens', 'cache_creation_input_tokens', 'cache_read_input_tokens'),
    cachedInputTokens: sum('cache_read_input_tokens'),
    outputTokens: sum('output_tokens'),
  };
}

function failureOf(result: ResultLine, words: string): CliFailure {
  if (result.subtype === 'error_max_turns') return 'turns';
  if (result.subtype === 'error_max_budget_usd') return 'budget';
  const status = result.api_error_status ?? null;
  // There was a credential, or nothing would have been started: it is not accepted.
  if (status === 401 || status === 403 || /not logged in/i.test(words)) return 'unauthorized';
  if (status === 429) return 'rate_limited';
  if (status !== null && status >= 500) return 'overloaded';
  if (status !== null && status >= 400) return 'bad_request';
  return /timed out|refused|dropped|ECONN|network|fetch failed/i.test(words) ? 'unreachable' : 'failed';
}
