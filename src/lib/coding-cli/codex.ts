// Codex (`codex exec`) as a coding agent: how it is called, what its lines mean, and when a run of it was a success.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Trial } from './apart.ts';
import { runCli, type CliCommand, type CliReader, type Verdict } from './cli-run.ts';
import { NO_USAGE, type CliEvent, type CliFailure, type CliRequest, type CliUsage, type CodingCli } from './coding-cli.ts';
import type { CommandEnd, JsonLine } from './json-lines.ts';
import { borrowedHome } from './codex-home.ts';
import type { Apart, RunPlace } from './run-place.ts';
import { tooOld } from './too-old.ts';

export interface CodexSettings {
  /** A path, or a name that is looked up in `searchPath`. Default `codex`. */
  cliPath?: string | undefined;
  /** Default: the program's own. */
  model?: string | undefined;
  apiKey?: string | undefined;
  /** Of a server that speaks the Responses API, with /v1. Default: OpenAI's. */
  apiUrl?: string | undefined;
  /** CODEX_HOME: configuration and sign-in. */
  home: string;
  /** When it only answers. Default read-only. */
  sandbox?: 'read-only' | 'workspace-write' | 'danger-full-access' | undefined;
  /** How often a request that failed is made again. Default 2. */
  maxRetries?: number | undefined;
  searchPath: string;
  /** How it is run as somebody else, with a home for each run: no session is gone on with then. Default: as this process. */
  apart?: (() => Promise<Apart | null>) | undefined;
}

/** The provider's name in its configuration, and the variable that its key is in. */
const PROVIDER = 'seed';
const KEY = 'SEED_CODEX_API_KEY';

const OFF = ['plugins', 'apps'];

/** Its sandbox keeps it from writing, not from reading: whoever asks would be told what lies in the folders of this user. */
const OFF_TO_ANSWER = ['shell_tool', 'unified_exec', 'view_image'];

/** First in its search path: a bubblewrap that it can work with, or none. */
const CODEX_PATH = join(import.meta.dirname, 'codex-path');

/** With its sandbox, which some machines grant to root alone: nothing could be written then. */
export const CODEX_TRIAL: Trial = { args: ['sandbox', '--', 'true'], path: bubblewrapFor };

export function codexCli(settings: CodexSettings): CodingCli {
  return {
    name: 'codex',
    run: (request) =>
      runCli(request, { reader: new CodexReader(request), apart: settings.apart, prepare: (place) => prepare(settings, request, place) }),
  };
}

function prepare(settings: CodexSettings, request: CliRequest, place: RunPlace): CliCommand | { missing: string } {
  const { apiKey, apiUrl, home } = settings;
  if (apiKey === undefined && !existsSync(join(home, 'auth.json'))) {
    return { missing: 'Codex has no credential: set CODEX_API_KEY, or sign it in and mount CODEX_HOME' };
  }
  // It takes a file alone.
  const schemaFile = request.schema === undefined ? null : place.file('schema.json', JSON.stringify(request.schema));
  const borrowed = place.home === null ? null : borrowedHome(place, { home, withSignIn: apiKey === undefined });
  return {
    ...(borrowed === null ? {} : { after: borrowed.giveBack }),
    command: settings.cliPath ?? 'codex',
    args: argumentsOf(settings, request, schemaFile),
    env: {
      HOME: home,
      ...place.home,
      PATH: `${bubblewrapFor(place)}:${settings.searchPath}`,
      CODEX_HOME: borrowed?.home ?? home,
      ...(apiKey === undefined ? {} : { [apiUrl === undefined ? 'CODEX_API_KEY' : KEY]: apiKey }),
    },
    input: request.instructions === undefined ? request.prompt : `${request.instructions}\n\n${request.prompt}`,
  };
}

/** Somebody else may not get at this program's own folder. */
function bubblewrapFor(place: RunPlace): string {
  return place.home === null ? CODEX_PATH : dirname(place.file('bwrap', readFileSync(join(CODEX_PATH, 'bwrap')), { mode: 0o700 }));
}

function argumentsOf(settings: CodexSettings, { reach, model = settings.model, resume }: CliRequest, schemaFile: string | null): string[] {
  const retries = settings.maxRetries ?? 2;
  const config: [string, string | number | boolean][] = [
    ['analytics.enabled', false],
    ...(reach.kind === 'edit'
      ? ([
          ['sandbox_workspace_write.network_access', false],
          // The folder it works in and nothing else: by default the temporary folders are open to it too.
          ['sandbox_workspace_write.exclude_slash_tmp', true],
          ['sandbox_workspace_write.exclude_tmpdir_env_var', true],
        ] as [string, boolean][])
      : []),
    ...(settings.apiUrl === undefined
      ? []
      : ([
          ['model_provider', PROVIDER],
          [`model_providers.${PROVIDER}.name`, PROVIDER],
          [`model_providers.${PROVIDER}.base_url`, settings.apiUrl],
          [`model_providers.${PROVIDER}.wire_api`, 'responses'],
          [`model_providers.${PROVIDER}.env_key`, KEY],
          [`model_providers.${PROVIDER}.request_max_retries`, retries],
          [`model_providers.${PROVIDER}.stream_max_retries`, retries],
        ] as [string, string | number][])),
  ];
  return [
    'exec',
    ...(resume === undefined ? [] : ['resume', resume.sessionId]),
    '--json',
    '--skip-git-repo-check',
    ...config.flatMap(([name, value]) => ['-c', `${name}=${typeof value === 'string' ? JSON.stringify(value) : value}`]),
    ...[...OFF, ...(reach.kind === 'answer' ? OFF_TO_ANSWER : [])].flatMap((feature) => ['--disable', feature]),
    ...(resume === undefined ? ['--sandbox', reach.kind === 'edit' ? 'workspace-write' : (settings.sandbox ?? 'read-only')] : []),
    ...(schemaFile === null ? [] : ['--output-schema', schemaFile]),
    ...(model === undefined ? [] : ['-m', model]),
    // The prompt comes on standard input.
    '-',
  ];
}

interface UsageLine {
  input_tokens?: number;
  cached_input_tokens?: number;
  output_tokens?: number;
}

interface Item {
  type?: string;
  text?: string;
  command?: string;
  message?: string;
  status?: string;
  changes?: readonly { path?: string; kind?: string }[];
}

class CodexReader implements CliReader {
  readonly #request: CliRequest;
  #sessionId: string | null = null;
  #text = '';
  #usage: UsageLine | null = null;
  #turns = 0;
  #error: string | null = null;

  constructor(request: CliRequest) {
    this.#request = request;
  }

  *take(line: JsonLine): Generator<CliEvent, void, void> {
    switch (line['type']) {
      case 'thread.started':
        this.#sessionId = String(line['thread_id']);
        yield { type: 'started', sessionId: this.#sessionId, model: null };
        return;
      case 'item.completed':
        return yield* this.#item(line['item'] as Item);
      case 'turn.completed':
        this.#turns += 1;
        // What went wrong before was overcome.
        this.#error = null;
        this.#usage = (line['usage'] as UsageLine | undefined) ?? null;
        yield { type: 'usage', usage: this.#usageOfRun() };
        return;
      case 'turn.failed':
        this.#error = (line['error'] as { message?: string } | undefined)?.message ?? 'the turn failed';
        return;
      case 'error':
        this.#error = String(line['message']);
    }
  }

  *#item(item: Item): Generator<CliEvent, void, void> {
    const { type = '' } = item;
    switch (type) {
      case 'agent_message':
        this.#text = item.text ?? '';
        yield { type: 'text', delta: this.#text };
        return;
      case 'command_execution':
        yield { type: 'tool', name: 'shell', detail: item.command ?? '' };
        return;
      case 'file_change':
        yield { type: 'tool', name: 'apply_patch', detail: item.status ?? '' };
        if (item.status === 'failed') return;
        for (const { path } of item.changes ?? []) if (path !== undefined) yield { type: 'file', path };
    }
  }

  verdict(end: CommandEnd): Verdict {
    const common = { sessionId: this.#sessionId, usage: this.#usageOfRun(), turns: this.#turns };
    const failed = (failure: CliFailure, message: string): Verdict => ({ ok: false, failure, message, ...common });
    if (end.timedOut) return failed('timeout', `Codex had not ended after ${this.#request.timeoutMs} ms`);
    if (end.stopped) return failed('cancelled', 'Codex was ended');
    const how = end.code === null ? `by ${end.signal}` : `with exit code ${end.code}`;
    const old = this.#error === null && end.code !== 0 ? tooOld('Codex', end.lastWords) : null;
    if (old !== null) return failed('too_old', old);
    if (this.#error !== null) return failed(failureOf(this.#error), this.#error);
    if (end.code !== 0) return failed(failureOf(end.lastWords), end.lastWords === '' ? `Codex ended ${how}` : end.lastWords);
    if (this.#turns === 0)
      return failed('protocol', `Codex ended ${how} without finishing a turn${end.lastWords === '' ? '' : `: ${end.lastWords}`}`);
    return { ok: true, text: this.#text, ...common };
  }

  /** The program counts the whole session. */
  #usageOfRun(): CliUsage {
    const { booked = NO_USAGE } = this.#request.resume ?? {};
    if (this.#usage === null) return NO_USAGE;
    return {
      inputTokens: Math.max(0, (this.#usage.input_tokens ?? 0) - booked.inputTokens),
      cachedInputTokens: Math.max(0, (this.#usage.cached_input_tokens ?? 0) - booked.cachedInputTokens),
      outputTokens: Math.max(0, (this.#usage.output_tokens ?? 0) - booked.outputTokens),
      costMicroUsd: null,
    };
  }
}

/** It has no codes, only words. */
function failureOf(words: string): CliFailure {
  const status = Number(/\bstatus:? (\d{3})\b/.exec(words)?.[1]);
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 429 || /usage limit|rate limit/i.test(words)) return 'rate_limited';
  if (status >= 500 || /high demand|overloaded/i.test(words)) return 'overloaded';
  if (status >= 400) return 'bad_request';
  if (/missing environment variable|not logged in/i.test(words)) return 'missing_api_key';
  return /stream disconnected|connection|timed? out|network|error sending request/i.test(words) ? 'unreachable' : 'failed';
}
