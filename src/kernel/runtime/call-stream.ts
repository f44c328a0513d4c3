// The stream of one call on its way through the runtime: each chunk is checked against the contract, kept for the record and for whoever
// asked for all of them at once, and passed on to the one who reads them as they come.
import { isSeedError, SeedError, toSeedError } from '#lib/error.ts';
import { emit } from '#telemetry/emit.ts';
import { callExport, type ContractData } from '../compiler/contract.ts';
import type { ExportChecks } from '../compiler/validator.ts';
import type { StreamReader } from '../sandbox/call.ts';

/** Of a stream that somebody reads as it comes, for its record: no longer one would be kept there. */
const KEPT_CHARS = 65_536;

/** The call that a stream belongs to, known when the stream begins. */
export interface StreamHead {
  callId: string;
  version: number;
  hash: string;
}

/** Reads the chunks of a call while it runs. */
export interface ChunkReader {
  /** The handler gave an async generator. May be told twice: of a call that lost its host before its first chunk. */
  begin(head: StreamHead): void;
  /** JSON text, checked. There is room for another when the promise settles. */
  chunk(json: string): Promise<void> | undefined;
}

export interface CallStreamOptions {
  head: StreamHead;
  checks: Pick<ExportChecks, 'output'>;
  /** What the contract says of the export: undefined leaves it to the handler. */
  declared: boolean | undefined;
  outputBytes: number;
  /** Null: they are only collected. */
  reader: ChunkReader | null;
  /** Whether all chunks must be there at the end, for an answer that can be given again. */
  keepAll: boolean;
  signal: (() => AbortSignal) | undefined;
  /** Streams that are under way: this one is among them from its beginning to its end. */
  open: Set<CallStream>;
}

/** For calls whose answer is wanted whole: examples, replays. */
export function collectingStream(
  callId: string,
  options: Pick<CallStreamOptions, 'checks'> & { contract: ContractData; exportName: string },
) {
  const { checks, contract, exportName } = options;
  return new CallStream({
    head: { callId, version: 0, hash: '' },
    checks,
    declared: callExport(contract, exportName)?.stream,
    outputBytes: contract.limits.outputBytes,
    reader: null,
    keepAll: true,
    signal: undefined,
    open: new Set(),
  });
}

export class CallStream implements StreamReader {
  /** What was wrong with a chunk, in our own words. */
  error: SeedError | null = null;
  /** Passed on so far: after the first the call can not be run again. */
  chunks = 0;
  readonly #options: CallStreamOptions;
  readonly #stopping = new AbortController();
  #kept: string[] | null = [];
  #keptChars = 0;
  #sizeBytes = 0;

  constructor(options: CallStreamOptions) {
    this.#options = options;
  }

  /** All chunks as a JSON list; null where they were too many to keep. */
  get outputJson(): string | null {
    return this.#kept === null ? null : `[${this.#kept.join(',')}]`;
  }

  /** Of a call that turned out to be none: its output, parsed. @throws SeedError `agent_error` */
  checkPlain(outputJson: string): unknown {
    const { checks, declared } = this.#options;
    if (declared === true) {
      throw new SeedError('agent_error', 'the handler gave a value, and its contract says that it streams', {
        hint: 'write it as async *, or take stream: true out of contract.ts',
      });
    }
    return checks.output(outputJson);
  }

  begin(): AbortSignal {
    const { declared, reader, head, signal, open } = this.#options;
    open.add(this);
    if (declared === false) {
      throw this.#refuse(
        new SeedError('agent_error', 'the handler gave an async generator, and its contract says that it does not stream', {
          hint: 'say stream: true for this export in contract.ts, or leave it out',
        }),
      );
    }
    reader?.begin(head);
    return signal === undefined ? this.#stopping.signal : AbortSignal.any([signal(), this.#stopping.signal]);
  }

  chunk(json: string): Promise<void> | undefined {
    const { checks, reader, outputBytes } = this.#options;
    try {
      checks.output(json);
    } catch (error) {
      throw this.#refuse(nthChunk(this.chunks + 1, toSeedError(error)));
    }
    this.#sizeBytes += Buffer.byteLength(json);
    if (this.#sizeBytes > outputBytes) {
      throw this.#refuse(new SeedError('agent_error', `the stream has more than the ${outputBytes} bytes that its contract allows in all`));
    }
    this.chunks += 1;
    this.#keep(json);
    return reader?.chunk(json);
  }

  /** As if its reader had gone. */
  stop(): void {
    this.#stopping.abort(new SeedError('unavailable', 'the agent is stopping'));
  }

  /** The call has ended. */
  end(agent: string): void {
    if (this.#options.open.delete(this)) emit('seed_agent.stream.end', { chunks: this.chunks, size_bytes: this.#sizeBytes }, { agent });
  }

  #keep(json: string): void {
    if (this.#kept === null) return;
    this.#kept.push(json);
    this.#keptChars += json.length + 1;
    const { keepAll, reader } = this.#options;
    if (!keepAll && reader !== null && this.#keptChars > KEPT_CHARS) this.#kept = null;
  }

  #refuse(error: SeedError): SeedError {
    this.error ??= error;
    return error;
  }
}

function nthChunk(n: number, error: SeedError): SeedError {
  if (!isSeedError(error) || error.code !== 'agent_error') return error;
  return new SeedError('agent_error', `chunk ${n}: ${error.message}`, { details: error.details, cause: error });
}
