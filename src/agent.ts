// What the files in agents/ import: contract(), agent(), evaluation(), zod as z, and their types.
// Nothing here runs in production: agent.ts and evaluation.ts are built with identity functions in its place.
import { z } from 'zod';

export { z };

/** What a contract may grant. A member of `ctx` that is not granted does not exist. */
export type Capability = 'log' | 'now' | 'random' | 'state' | 'sleep' | 'ask' | 'fetch' | 'call';

/** A function that callers reach: `default[name](input, ctx)` of agent.ts. */
export interface CallDefinition {
  readonly kind: 'call';
  /**
   * What the caller sends, as far as JSON Schema can say it: transforms, refinements, coercion, look-ahead patterns and
   * flags are refused when the contract is compiled. Defaults are filled in before the handler sees the input.
   */
  readonly input: z.ZodType;
  /**
   * What the handler must answer; of a stream, what each chunk must be. An answer that does not fit fails the call with
   * `agent_error`.
   */
  readonly output: z.ZodType;
  /**
   * Whether the handler is an async generator (`async *handle(input, ctx) { … yield chunk … }`), whose chunks reach the caller
   * while it runs. Say it, so that no later version can change it: left out, whatever the handler gives at a call is taken, though
   * the types of `agent()` expect no stream. The generator is pulled only while its reader has room. What it returns is ignored;
   * state is kept when it comes to its end, and not when it throws or its reader goes: then its `finally` blocks run, for half a
   * second at most. Callers that do not read as it runs get the list of the chunks, and so do `examples` and evaluations.
   */
  readonly stream?: boolean;
}

/** A function the runtime calls at a point of the version's life: `default[name](ctx)`. */
export type LifecycleDefinition = { readonly kind: 'lifecycle' };

/** The range a parameter's values come from; `integer` (default false) restricts them to whole numbers. */
export type ParameterRange = { readonly min: number; readonly max: number; readonly integer?: boolean };

/** A pure function of numbers, a named export of agent.ts, whose body an offline search may rewrite. */
export interface EvolvableDefinition {
  readonly kind: 'evolvable';
  /** What the number it returns means, in one sentence. */
  readonly summary?: string;
  /** In the order of the function's parameters; 1 to 8. */
  readonly parameters: Readonly<Record<string, ParameterRange>>;
}

export type ExportDefinition = CallDefinition | LifecycleDefinition | EvolvableDefinition;

/** Ceilings of one call. What is left out has the default given here. */
export interface LimitsDefinition {
  /** Processor time over all slices of the call, ms: 1 to 60,000, default 100. */
  readonly cpuMs?: number;
  /** Wall clock without the time spent waiting for a capability or for a stream's reader, ms: 1 to 300,000, default 5,000. */
  readonly deadlineMs?: number;
  /** Longest pause between two chunks of a stream, whatever it waits for but its reader, ms: 1 to 300,000, default 30,000. */
  readonly idleMs?: number;
  /** A whole stream, the pauses of its reader included, ms: 1 to 86,400,000, default 600,000. */
  readonly streamMs?: number;
  /** Heap of the isolate, MB: 8 to 256, default 32. */
  readonly memoryMb?: number;
  /** JSON text of the input, bytes: up to 4,194,304, default 262,144. */
  readonly inputBytes?: number;
  /** JSON text of the output, of a stream in all, bytes: up to 4,194,304, default 1,048,576. One chunk has 262,144 at most. */
  readonly outputBytes?: number;
  /** JSON text of an instance's state, bytes: up to 4,194,304, default 1,048,576. */
  readonly stateBytes?: number;
  /** Lines one call may log: 0 to 1,000, default 100; further lines are dropped and counted. */
  readonly logLines?: number;
}

/** Where `ctx.fetch` may go, and how much of it one call may use. The operator's policy file may allow less. */
export interface FetchGrantDefinition {
  /**
   * `api.example.com`, `*.example.org` (one label or more in front, and not example.org itself), `api.example.com:8443`; without
   * a port: 80 for http, 443 for https. Private addresses and bare wildcards are refused. 1 to 50.
   */
  readonly hosts: readonly string[];
  /** Default GET and HEAD. */
  readonly methods?: readonly HttpMethod[];
  /** Requests of one call: 1 to 1,000, default 20. Redirects are not counted. */
  readonly requests?: number;
  /** Headers and body of one request: up to 1,048,576, default 65,536. */
  readonly requestBytes?: number;
  /** Body of one answer, unpacked: up to 4,194,304, default 1,048,576. */
  readonly responseBytes?: number;
  /** All requests and answers of one call together: up to 67,108,864, default 8,388,608. */
  readonly callBytes?: number;
  /** One request with its redirects and its whole answer, ms: 1 to 60,000, default 10,000. */
  readonly timeoutMs?: number;
}

/** Which agents `ctx.call` may call, and how often. The operator's policy file may allow less. */
export interface CallGrantDefinition {
  /** Their names; 1 to 100. */
  readonly agents: readonly string[];
  /** Of one call: 1 to 1,000, default 20. */
  readonly calls?: number;
  /** Inputs and outputs of all of them together: up to 67,108,864, default 8,388,608. */
  readonly callBytes?: number;
  /** One of them, waiting for its turn included, ms: 1 to 300,000, default 30,000. */
  readonly timeoutMs?: number;
}

export interface GrantsDefinition {
  /** Needed where capabilities list `fetch`. */
  readonly fetch?: FetchGrantDefinition;
  /** Needed where capabilities list `call`. */
  readonly call?: CallGrantDefinition;
}

/** When a new version is taken back. What is left out has the default given here. */
export interface RolloutDefinition {
  /** How long a new version is compared with the one before, ms: 100 to 86,400,000, default 30,000. */
  readonly observeMs?: number;
  /** Rolled back when the share of failed calls is this much higher; default 0.02, two points. */
  readonly maxErrorRateIncrease?: number;
  /** Rolled back when p95 is this many times the old one; default 2. */
  readonly maxP95Ratio?: number;
  /** … and at least this much higher, ms; default 5. */
  readonly minP95IncreaseMs?: number;
  /** Calls that must have been seen before anything but hard failures decides; default 20. */
  readonly minCalls?: number;
  /** Calls ended by their own limit before the version is rolled back; default 3. */
  readonly maxLimitHits?: number;
}

/** What an improvement that nobody asked for begins for. Operators can pause, limit and price all of them. */
export interface AutomaticImprovementDefinition {
  /**
   * `score_drop`: fewer than three quarters of at least 8 judged calls of the live version were good. `error_rate`: at least 20 calls in two
   * minutes, and five points more of them fail than when the version was new. `stagnation`: no improvement has ended, and no version gone
   * live, for 30 looks (a node looks once a minute). Default all three.
   */
  readonly on?: readonly ('score_drop' | 'error_rate' | 'stagnation')[];
  /** And in any case so long after the last one, ms: 60,000 to 2,678,400,000. Default: not by the clock. */
  readonly everyMs?: number;
  /** Default: the one that `agents:improve` takes when nobody says. */
  readonly proposer?: string;
  /** Time to search, ms: 1,000 to 86,400,000, default 60,000. */
  readonly budgetMs?: number;
}

/** How often a coding agent or a model is asked for better code, and what each attempt begins from. */
export interface ImprovementSearchDefinition {
  /** Runs that one improvement may pay for: 1 to 20, default 3. It ends sooner, with the round that has found something better. */
  readonly attempts?: number;
  /** … of which so many are under way at once: 1 to 8, default 1. */
  readonly parallel?: number;
  /**
   * What an attempt begins from, of the live version and everything that was made from it in vain. `best`: the best. `score-novelty`: by
   * chance, the better the likelier, and the less was made from it before. `islands`: lines of descent that do not mix. Default best.
   */
  readonly parents?: 'best' | 'score-novelty' | 'islands';
  /** For `islands`, how many: 1 to 8, default 3. */
  readonly islands?: number;
  /** Turns of one run, where its program can be told so (Claude Code can): 1 to 1,000, default 50. */
  readonly turns?: number;
  /** Price of one run in millionths of a dollar, where its program can be told so: 1 to 1,000,000,000. Default: the caps of the node alone. */
  readonly microUsd?: number;
}

/** The shape of an instance's state. */
export interface StateDefinition {
  /**
   * Raise it by one when the shape changes, and export `codeChange` from agent.ts: states of an older version are given to it
   * before the first call that finds them. 1 to 1,000,000, default 1.
   */
  readonly version?: number;
  /** What every state of this version must fit, as far as JSON Schema can say it. A call that sets another one fails with `agent_error`. */
  readonly schema?: z.ZodType;
}

export interface ContractDefinition {
  /** Lower-case letters, digits, `_` and `-`; at most 64, starting with a letter or digit. */
  readonly name: string;
  /** One sentence, at most 500 characters. */
  readonly summary: string;
  /** 1 to 64 functions by name: a letter, then letters, digits or `_`. */
  readonly exports: Readonly<Record<string, ExportDefinition>>;
  /** Up to 50 inputs with what they must give; run before a version may be called. `export` is `handle` by default. */
  readonly examples?: readonly { readonly export?: string; readonly input: unknown; readonly output?: unknown }[];
  /** Default: none. */
  readonly capabilities?: readonly Capability[];
  /** What capabilities need besides their name. */
  readonly grants?: GrantsDefinition;
  readonly limits?: LimitsDefinition;
  /** For a contract that grants `state`. */
  readonly state?: StateDefinition;
  /** Who shares what the module keeps in its own variables: all calls of a `version` (default), those of a `key`, or nobody (`call`). */
  readonly isolation?: 'version' | 'key' | 'call';
  /** What an improvement is measured by. */
  readonly objective?: { readonly name: string; readonly unit?: string; readonly direction: 'minimize' | 'maximize' };
  readonly rollout?: RolloutDefinition;
  readonly improvement?: {
    /** Default true. */
    readonly enabled?: boolean;
    /** The smallest relative gain on validation that is worth a swap: 0 to 1, default 0.01. */
    readonly minGain?: number;
    /** When it is improved without being asked for. Default: never. */
    readonly automatic?: AutomaticImprovementDefinition;
    /** How proposers that are asked in words look for it. */
    readonly search?: ImprovementSearchDefinition;
    /** Who lets a better version go live: a person, or a rule of approvals where one fits. Default person. */
    readonly approval?: 'person' | 'rule';
  };
}

/**
 * Says what an agent takes, gives and may use. It is evaluated once, in a sandbox, into data.
 * Compiling it fails with `contract_invalid`, and the path, when it says what can not be enforced.
 */
export function contract<const C extends ContractDefinition>(definition: C): C {
  return definition;
}

type NamesOf<C extends ContractDefinition, Kind extends ExportDefinition['kind']> = {
  [Name in keyof C['exports']]: C['exports'][Name] extends { readonly kind: Kind } ? Name : never;
}[keyof C['exports']];

type SchemaOf<C extends ContractDefinition, Name extends PropertyKey, Side extends 'input' | 'output'> =
  C['exports'][Name & keyof C['exports']] extends Readonly<Record<Side, infer Schema extends z.ZodType>> ? Schema : never;

/** What a handler receives: defaults are filled in. */
export type Input<C extends ContractDefinition, Name extends PropertyKey = 'handle'> = z.output<SchemaOf<C, Name, 'input'>>;
/** What a caller sends: what has a default may be left out. */
export type Request<C extends ContractDefinition, Name extends PropertyKey = 'handle'> = z.input<SchemaOf<C, Name, 'input'>>;
/** What a handler answers; of a stream, one chunk. */
export type Output<C extends ContractDefinition, Name extends PropertyKey = 'handle'> = z.output<SchemaOf<C, Name, 'output'>>;
/** What a caller gets who does not read as it runs: of a stream, the list of its chunks. */
export type Answer<C extends ContractDefinition, Name extends PropertyKey = 'handle'> =
  Streams<C, Name> extends true ? Output<C, Name>[] : Output<C, Name>;

type Streams<C extends ContractDefinition, Name extends PropertyKey> = C['exports'][Name & keyof C['exports']] extends {
  readonly stream: true;
}
  ? true
  : false;

/** What a handler gives. */
type Given<C extends ContractDefinition, Name extends PropertyKey> =
  Streams<C, Name> extends true ? AsyncIterable<Output<C, Name>> : Output<C, Name> | Promise<Output<C, Name>>;

export type HttpMethod = 'GET' | 'HEAD' | 'OPTIONS' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface FetchOptions {
  /** Default GET. Only what the contract grants. */
  readonly method?: HttpMethod;
  /**
   * At most 64. Refused: what belongs to the connection (Host, Connection, Content-Length, Transfer-Encoding, Proxy-*, …) and
   * Accept-Encoding, because answers are unpacked for you.
   */
  readonly headers?: Readonly<Record<string, string>>;
  /** Text, or bytes as base64. Not with GET and HEAD. */
  readonly body?: string | { readonly base64: string };
  /** follow (default): up to 5, each to a granted host. manual: a redirect is an answer like any other. error: it is an error. */
  readonly redirect?: 'follow' | 'manual' | 'error';
  /** What becomes of the body: `text` (default) decoded by its charset, UTF-8 if it has none; `base64` as it is. */
  readonly as?: 'text' | 'base64';
  /** ms; at most, and by default, what the contract grants. */
  readonly timeoutMs?: number;
}

/** Any answer of the server is one, whatever its status. */
export interface FetchResponse {
  readonly status: number;
  /** Status 200 to 299. */
  readonly ok: boolean;
  /** Where the answer came from, after redirects. */
  readonly url: string;
  /** Names in lower case; several of one name are joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body; with `as: 'base64'` its bytes in base64. */
  readonly text: string;
}

export interface CallOptions {
  /** Default `handle`. */
  readonly export?: string;
  /** Instance of a stateful agent; default `default`. */
  readonly key?: string;
  /** The same key gives the same answer and runs the agent once. It is yours: nobody else's keys are touched. Up to 200 characters. */
  readonly idempotencyKey?: string;
}

type Write = (message: string, fields?: Readonly<Record<string, unknown>>) => void;

/** The members of `ctx` by the capability that grants them. */
export interface Granted<State = unknown> {
  /** Lines that go with the call's record; never fails. */
  readonly log: { readonly debug: Write; readonly info: Write; readonly warn: Write; readonly error: Write };
  /** ms since the epoch. Stands still while the code runs; moves when an awaited capability answers. */
  readonly now: () => number;
  /** A number in [0, 1) from the call's own generator, whose seed is recorded. */
  readonly random: () => number;
  /** The state of the instance that `ctx.key` names. */
  readonly state: {
    /** What was last set; undefined when nothing was. */
    get(): Promise<State | undefined>;
    /** JSON of at most `limits.stateBytes`. Kept when the call ends well, together with its answer. */
    set(value: State): Promise<void>;
  };
  /**
   * Goes on after so many milliseconds, at most 30 days. From one second on the call is parked, as by `ask`.
   * Needs `isolation: 'call'`.
   */
  readonly sleep: (ms: number) => Promise<void>;
  /**
   * Puts a question (at most 4,000 characters) to whoever answers `agents:calls:answer`. The call is parked: its caller is told so at once,
   * what it has set of its state is kept, and other calls of its key have their turn. When the answer is there it goes on, on this version,
   * on whatever node; state that is read from then on is what is there then. Fails with the name `TimeoutError` when nobody answers in time.
   * Several may be open at once. Needs `isolation: 'call'`; a stream can not be parked.
   * @typeParam Answer what `schema` says
   */
  readonly ask: <Answer = unknown>(question: string, options?: AskOptions) => Promise<Answer>;
  /**
   * Asks a host that the contract names. Nothing of it is undone when the call fails later.
   * Rejects with `code`: `forbidden` (host, method or address), `rate_limited`, `payload_too_large`, `deadline`, `unavailable` (no
   * answer), `invalid_input`.
   */
  readonly fetch: (url: string | URL, options?: FetchOptions) => Promise<FetchResponse>;
  /**
   * Calls another agent that the contract names, and gives its output. It sees this agent as its principal. Rejects with the
   * code and the message of its error; `forbidden` for one that is not named, `invalid_state` for a call that would wait for itself
   * or is the ninth below another, `deadline`.
   */
  readonly call: (agent: string, input: unknown, options?: CallOptions) => Promise<unknown>;
}

/** How an answer must be, and how long it is waited for. */
export interface AskOptions {
  /** JSON Schema that the answer must fit, at most 16,384 characters. Default: any JSON. */
  readonly schema?: Readonly<Record<string, unknown>>;
  /** 1 to 2,592,000,000 (30 days). Default: for as long as it takes. */
  readonly timeoutMs?: number;
}

type CapabilitiesOf<C extends ContractDefinition> = C extends { readonly capabilities: readonly (infer Name)[] } ? Name : never;

/** What a handler is given besides its input. */
export type Context<C extends ContractDefinition = ContractDefinition, State = unknown> = {
  readonly agent: string;
  /** Instance of a stateful agent; null for an agent without state. */
  readonly key: string | null;
  /** Who asked. */
  readonly principal: { readonly kind: string; readonly id: string };
} & Pick<Granted<State>, Extract<CapabilitiesOf<C>, keyof Granted>>;

/** The functions a contract lists as `call` and `lifecycle`. */
export type Agent<C extends ContractDefinition, State = unknown> = {
  [Name in NamesOf<C, 'call'>]: (input: Input<C, Name>, ctx: Context<C, State>) => Given<C, Name>;
} & { [Name in NamesOf<C, 'lifecycle'>]: (ctx: Context<C, State>) => void | Promise<void> };

/**
 * The agent itself: `export default agent<typeof contract>({ handle(input, ctx) { … } })`.
 * @typeParam State what `ctx.state` holds, for a contract that grants it.
 */
export function agent<C extends ContractDefinition, State = unknown>(handlers: Agent<C, State>): Agent<C, State> {
  return handlers;
}

/**
 * Between which versions of the state: `from` is the version that wrote it and is to become the contract's; `down` is the older
 * version that the contract's is to become again, after a rollback.
 */
export type StateChange = { readonly from: number; readonly down?: never } | { readonly from?: never; readonly down: number };

/**
 * What agent.ts exports when its contract's `state.version` is above 1: `export const codeChange: CodeChange<Old, New> = (state, change) => …`.
 *
 * It is given one state and answers what it becomes: JSON of at most `limits.stateBytes` that fits `state.schema`. It runs under the
 * limits of a call, without `ctx`, with a clock and a generator that stand still, so that one state always becomes the same. What it throws
 * fails the call that needed it, and the state stays as it was; before a version goes live it is tried on copies of real states.
 * Going down is its choice: what it gives is taken only when `{ from }` makes of it exactly what was there before.
 */
export type CodeChange<Older = unknown, Newer = unknown> = (
  state: Older | Newer,
  change: StateChange,
) => Older | Newer | Promise<Older | Newer>;

/** selection: a search may look as often as it likes. validation: 20 draws that decide. test: 20 draws that are quoted and decide nothing. */
export type SampleSet = 'selection' | 'validation' | 'test';

/** The evolvable functions of the candidate that is scored. */
export type Candidate<C extends ContractDefinition> = {
  readonly [Name in NamesOf<C, 'evolvable'>]: (...parameters: number[]) => number;
};

/** What a session ends with. */
export interface SessionResult {
  /** Finite; in the unit and direction of the contract's objective. */
  score: number;
  /** JSON that explains the score to a reader. */
  detail?: unknown;
}

/** A further task that versions are scored on. */
export interface ReportedTask<C extends ContractDefinition, Sample = unknown> {
  /** As `Evaluation.sample`. */
  sample(random: () => number): Sample;
  /** As `Evaluation.session`: same unit, same direction. */
  session(sample: Sample): Generator<Request<C>, SessionResult, Answer<C>>;
}

export interface Evaluation<C extends ContractDefinition, Sample = unknown> {
  /** No sample scores better than this (a floor when minimizing, a ceiling when maximizing): allows to stop early. */
  readonly bestPossible?: number;
  /** A fresh sample, JSON; all its randomness from `random()`, a number in [0, 1). Often drawn elsewhere than where it is used. */
  sample(set: SampleSet, random: () => number): Sample;
  /** Selection only, inside the candidate's isolate for speed: the score of one sample. Must agree with `session`. Needed by the genetic proposer. */
  inside?(sample: Sample, candidate: Candidate<C>): number;
  /** From outside, in an isolate of its own: yields inputs of `handle` one at a time, is sent each output, returns the score. */
  session(sample: Sample): Generator<Request<C>, SessionResult, Answer<C>>;
  /**
   * Further tasks by name, at most 8: what becomes of them is scored with the test set, on as many draws, and reported beside it.
   * They decide nothing: a version that wins may well be worse at them, and whoever promotes it should know.
   */
  readonly reported?: Readonly<Record<string, ReportedTask<C, Sample>>>;
}

/**
 * How versions of the agent are scored: `export default evaluation<typeof contract, Sample>({ … })`.
 * @typeParam Sample what `sample` draws.
 */
export function evaluation<C extends ContractDefinition, Sample = unknown>(definition: Evaluation<C, Sample>): Evaluation<C, Sample> {
  return definition;
}
