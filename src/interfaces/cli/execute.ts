// One command from its arguments to its answer. What few commands need is imported where they need it: start-up is felt.
import { SeedError } from '#lib/error.ts';
import type { CatalogueEntry } from '#operation/catalogue-entry.ts';
import { exampleCommand } from '#operation/usage.ts';
import { dataOf, remarkOn, renderAnswer, renderItem, renderQuiet } from './answer.ts';
import { failureFrom, INTERRUPTED, remoteFailure } from './failure.ts';
import { readGlobals, type Globals } from './globals.ts';
import type { HttpClient, HttpResponse } from './http-client.ts';
import { collectInput, listInput, refuseMissing, missingFlags, type Input } from './input.ts';
import { parseArguments } from './parse.ts';
import { requestFor } from './request.ts';
import { openSink, type Sink } from './sink.ts';
import { isRecord } from './table.ts';
import { paint, widthOf, type Terminal } from './terminal.ts';

export interface ExecuteOptions {
  terminal: Terminal;
  signal: AbortSignal;
  /** Connects to the node. @throws SeedError `unavailable` */
  connect: (trace: ((line: string) => void) | undefined) => Promise<HttpClient>;
  /** Runs an operation of kind `local` in this process. */
  local: (entry: CatalogueEntry, input: Input, signal: AbortSignal) => Promise<unknown>;
  /** The operation whose stream `--follow` shows. @throws SeedError `not_found` */
  find: (name: string) => Promise<CatalogueEntry>;
}

/** A command that is understood: what remains is to do it. */
interface Task {
  entry: CatalogueEntry;
  globals: Globals;
  input: Input;
  /** The command line that would do the same with `--confirm`. */
  again: string;
  sink: Sink;
}

/** Answers the exit code. @throws SeedError */
export async function execute(entry: CatalogueEntry, argv: readonly string[], options: ExecuteOptions): Promise<number> {
  const { terminal } = options;
  const parsed = parseArguments(entry, argv);
  const globals = readGlobals(parsed.global, entry);
  const given = { ...(await collectInput(entry, parsed, terminal.stdin)), ...listInput(globals.list, entry) };
  const input = globals.interactive ? await (await import('./prompt.ts')).askForMissing(entry, given, options) : given;
  if (globals.batch === undefined) refuseMissing(entry, missingFlags(entry, input));
  await using sink = await openSink(globals.output, terminal.stdout);
  const task: Task = { entry, globals, input, again: ['seed', entry.name, ...argv.map(quoted), '--confirm'].join(' '), sink };
  const code = globals.batch === undefined ? await perform(task, options) : await performBatch(task, globals.batch, options);
  await sink.commit();
  return code;
}

async function perform(task: Task, options: ExecuteOptions): Promise<number> {
  const { entry, input, globals } = task;
  const isConfirmed = await isAgreed(task, options);
  if (entry.kind === 'local') {
    await show(await options.local(entry, input, options.signal), task, options);
    return 0;
  }
  const client = await connect(task, options);
  if (entry.stream === true) return await follow({ entry, input }, task, { ...options, client });
  const live = liveView(task, options);
  const { body, status, isShown } = await call(client, task, {
    isConfirmed,
    signal: options.signal,
    ...(live === undefined ? {} : { live }),
  });
  if (isShown) return 0;
  const data = dataOf(entry, body);
  if (!globals.follow || entry.watch === undefined || globals.dryRun) {
    await show(data, task, options);
    // A health check that answers "not well" has answered: the data is shown, and the exit code says it.
    if (status >= 400) return remoteFailure(status, '', undefined).exitCode;
    return entry.verdict !== undefined && isRecord(data) && data[entry.verdict] === false ? 1 : 0;
  }
  const watched = { entry: await options.find(entry.watch.operation), input: watchedInput(entry.watch.input, data) };
  return await follow(watched, task, { ...options, client });
}

/** Shows an answer that comes while it is made; undefined where it is wanted, or comes, as a whole. */
function liveView({ entry, globals, sink }: Task, { terminal }: ExecuteOptions): ((response: HttpResponse) => Promise<void>) | undefined {
  const { stderr } = terminal;
  if (entry.events === true) {
    return async (response) => (await import('./live-answer.ts')).showLiveAnswer(response, { ...globals, sink, stderr });
  }
  if (entry.dialect !== 'openai' || globals.format !== 'table' || globals.quiet) return undefined;
  return async (response) => (await import('./openai-answer.ts')).showOpenAiAnswer(response, { sink, stderr });
}

async function performBatch(task: Task, source: string, options: ExecuteOptions): Promise<number> {
  const { entry, sink } = task;
  if (entry.stream === true || task.globals.follow) {
    throw new SeedError('bad_request', `${entry.name} streams: it can not be asked in a batch`, { hint: 'ask it once for each input' });
  }
  const isConfirmed = await isAgreed(task, options);
  const { runBatch } = await import('./batch.ts');
  const client = entry.kind === 'local' ? undefined : await connect(task, options);
  const { done, failed } = await runBatch({
    source,
    stdin: options.terminal.stdin,
    signal: options.signal,
    write: (text) => sink.write(text),
    call: async (line) => {
      const input = { ...task.input, ...line };
      refuseMissing(entry, missingFlags(entry, input));
      if (client === undefined) return await options.local(entry, input, options.signal);
      return dataOf(entry, (await call(client, { ...task, input }, { isConfirmed, signal: options.signal })).body);
    },
  });
  if (!task.globals.quiet) options.terminal.stderr.write(`${done} done, ${failed} failed\n`);
  return failed > 0 ? 1 : 0;
}

/** @throws SeedError `confirmation_required` */
async function isAgreed({ entry, input, globals, again }: Task, options: ExecuteOptions): Promise<boolean> {
  if (entry.kind !== 'dangerous' || globals.dryRun) return false;
  const { confirmed } = await import('./prompt.ts');
  return await confirmed(entry, input, { ...options, globals, again });
}

async function connect({ globals }: Task, { connect: open, terminal }: ExecuteOptions): Promise<HttpClient> {
  const trace = (line: string): void => void terminal.stderr.write(`${paint(terminal.stderr, 'dim', line)}\n`);
  return await open(globals.verbose ? trace : undefined);
}

/** @throws SeedError what the node answered, unless its body is data all the same. */
async function call(
  client: HttpClient,
  { entry, input, globals }: Task,
  { isConfirmed, signal, live }: { isConfirmed: boolean; signal: AbortSignal; live?: (response: HttpResponse) => Promise<void> },
): Promise<{ body: unknown; status: number; isShown: boolean }> {
  const { dryRun, idempotencyKey } = globals;
  const response = await client.send(
    requestFor(entry, input, { confirmed: isConfirmed, dryRun, idempotencyKey, events: live !== undefined }),
    signal,
  );
  if (live !== undefined && response.status === 200 && /event-stream/.test(response.header('content-type') ?? '')) {
    await live(response);
    return { status: response.status, body: undefined, isShown: true };
  }
  const text = await response.text();
  const type = response.header('content-type') ?? '';
  const { status } = response;
  if (status >= 400 && (entry.raw !== true || /"code"\s*:/.test(text) || !/json/.test(type))) {
    throw remoteFailure(status, text, response.header('retry-after'));
  }
  if (status >= 300 && status < 400)
    throw new SeedError('unavailable', `the node sends us elsewhere: ${response.header('location') ?? String(status)}`, {
      hint: 'set SEED_URL to that address',
    });
  return { status, isShown: false, body: text === '' ? undefined : /\bjson\b/.test(type) ? jsonOf(text, entry) : text };
}

function jsonOf(text: string, entry: CatalogueEntry): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new SeedError('internal', `the answer to ${entry.name} is not JSON: ${text.slice(0, 100)}`, {
      cause,
      hint: 'is SEED_URL the address of a node?',
    });
  }
}

async function show(data: unknown, { entry, globals, sink }: Task, { terminal }: ExecuteOptions): Promise<void> {
  if (globals.quiet && entry.kind !== 'local') {
    await sink.write(renderQuiet(data));
    return;
  }
  const { stream } = sink;
  const laidOut = globals.format === 'table' && entry.texts !== undefined ? await import('./laid-out.ts') : undefined;
  const text = laidOut?.textOf(entry, data);
  if (laidOut !== undefined && text !== undefined) {
    await sink.write(laidOut.layOut(text, stream));
    if (text.text === '') terminal.stderr.write(`${paint(terminal.stderr, 'dim', 'none')}\n`);
    return;
  }
  const layout = stream === undefined ? {} : { width: widthOf(stream), heading: (text: string) => paint(stream, 'bold', text) };
  await sink.write(await renderAnswer(data, { entry, format: globals.format, layout }));
  const remark = globals.format === 'table' ? remarkOn(data) : undefined;
  if (remark !== undefined) terminal.stderr.write(`${paint(terminal.stderr, 'dim', remark)}\n`);
}

/** Items until the stream ends, fails, has shown the failure of what it is about, or the user has seen enough. */
async function follow(
  asked: { entry: CatalogueEntry; input: Input },
  { entry, globals, sink }: Task,
  { client, signal, terminal }: ExecuteOptions & { client: HttpClient },
): Promise<number> {
  const { format, quiet } = globals;
  const [{ streamItems }, { logView, progressView }] = await Promise.all([import('./stream.ts'), import('./live.ts')]);
  const live = asked.entry.live ?? (asked.entry === entry ? 'log' : 'line');
  const view = live === 'line' ? progressView(sink) : logView(sink);
  const onRetry = (message: string): void => void terminal.stderr.write(`${message}\n`);
  let failure: unknown;
  try {
    for await (const item of streamItems(client, asked, { signal, onRetry })) {
      if (live === 'line' && isRecord(item)) failure = item['error'] ?? failure;
      if (quiet) continue;
      if (format === 'table') await view.show(item);
      else await sink.write(await renderItem(item, format));
    }
    await view.end();
    if (failure !== undefined && failure !== null) throw failureFrom(failure);
    return 0;
  } catch (error) {
    await view.stop();
    if (!signal.aborted) throw error;
    if (asked.entry !== entry)
      terminal.stderr.write(`it goes on without you; to watch it again: ${exampleCommand(asked.entry, asked.input)}\n`);
    // What has come so far is kept: the user said that it is enough.
    return INTERRUPTED;
  }
}

function watchedInput(members: Readonly<Record<string, string>>, data: unknown): Input {
  const answer = (data ?? {}) as Readonly<Record<string, unknown>>;
  return Object.fromEntries(Object.entries(members).map(([member, from]) => [member, answer[from]]));
}

function quoted(word: string): string {
  return /^[A-Za-z0-9_./:@%+,=~-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
