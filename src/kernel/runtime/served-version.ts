// A version that can be called: its contract with compiled validators, how fast it is, and how many calls it has in flight.
import type { Artifact } from '../compiler/artifact.ts';
import { callExport, stateVersionOf, type ContractData } from '../compiler/contract.ts';
import { mapStack } from '../compiler/stack.ts';
import { exportChecks, stateCheck, type ExportChecks } from '../compiler/validator.ts';
import { SeedError } from '#lib/error.ts';
import { CallStats } from '../rollout/call-stats.ts';
import { Strikes, STRIKES_OUT } from '../rollout/strikes.ts';
import type { LoadRequest } from '../sandbox/call.ts';
import { PathChooser } from './path-chooser.ts';
import { redactor } from './redaction.ts';

export interface ServedExport extends ExportChecks {
  /** Copies without what the contract marks as secret; null where it marks nothing. */
  redactInput: ((value: unknown) => unknown) | null;
  redactOutput: ((value: unknown) => unknown) | null;
  /** Whether its handler must be an async generator, as its contract says; undefined where it does not say. */
  streams: boolean | undefined;
}

export class ServedVersion {
  readonly path: PathChooser;
  readonly stats = new CallStats();
  readonly artifact: Artifact;
  /** Dense per agent, from 1. */
  readonly number: number;
  /** How often it ended the host it ran in; kept when it is unloaded. */
  readonly strikes: Strikes;
  #checkState: ((json: string) => void) | null = null;
  readonly #exports = new Map<string, ServedExport>();
  #inFlight = 0;
  #idle: (() => void)[] = [];

  constructor(artifact: Artifact, options: { number: number; syncPath: boolean; strikes?: Strikes }) {
    this.artifact = artifact;
    this.number = options.number;
    this.strikes = options.strikes ?? new Strikes(() => performance.now());
    this.path = new PathChooser(options.syncPath);
  }

  get hash(): string {
    return this.artifact.hash;
  }

  get agent(): string {
    return this.artifact.manifest.agent;
  }

  /** v1, v2, … */
  get label(): string {
    return `v${this.number}`;
  }

  get contract(): ContractData {
    return this.artifact.manifest.contract;
  }

  get stateful(): boolean {
    return this.contract.capabilities.includes('state');
  }

  /** Whether its calls may wait for longer than they stay in their host. */
  get parks(): boolean {
    return this.contract.capabilities.some((name) => name === 'sleep' || name === 'ask');
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Which version of the state its code reads and writes. */
  get stateVersion(): number {
    return stateVersionOf(this.contract);
  }

  /** @throws SeedError `agent_error` when a state is larger or of another shape than the contract allows */
  checkState(json: string): void {
    this.#checkState ??= stateCheck(this.contract);
    this.#checkState(json);
  }

  get loadRequest(): LoadRequest {
    const { limits, isolation, capabilities } = this.contract;
    return { hash: this.hash, agent: this.artifact.manifest.agent, js: this.artifact.js, limits, isolation, capabilities };
  }

  /** @throws SeedError `not_found` when there is nothing of this name that can be called */
  checks(exportName: string): ServedExport {
    const known = this.#exports.get(exportName);
    if (known !== undefined) return known;
    const checks = exportChecks(this.contract, exportName);
    const spec = callExport(this.contract, exportName);
    const made: ServedExport = {
      inputJson: (value) => checks.inputJson(value),
      output: (json) => checks.output(json),
      redactInput: spec === undefined ? null : redactor(spec.input),
      redactOutput: spec === undefined ? null : redactor(spec.output),
      streams: spec?.stream,
    };
    this.#exports.set(exportName, made);
    return made;
  }

  /** A stack of the built script, led back to the author's files. */
  mapStack(stack: string | undefined): string | undefined {
    return stack === undefined ? undefined : mapStack(stack, this.artifact.map);
  }

  /** While it rests after it has ended too many hosts, nobody may call it. @throws SeedError `unavailable` */
  checkRest(): void {
    const { restingMs } = this.strikes;
    if (restingMs === 0) return;
    throw new SeedError(
      'unavailable',
      `${this.label} of ${this.agent} ended its sandbox host ${STRIKES_OUT} times or more, and is not called for ${Math.ceil(restingMs / 1000)} s`,
      { retryAfterMs: restingMs, hint: `make another version live: seed code:list ${this.agent}` },
    );
  }

  enter(): void {
    this.#inFlight += 1;
  }

  leave(): void {
    this.#inFlight -= 1;
    if (this.#inFlight > 0) return;
    const waiting = this.#idle;
    this.#idle = [];
    for (const resolve of waiting) resolve();
  }

  /** Resolves when no call is in flight. */
  drained(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }
}
