// The words of an event, and how an old one is read by new code.
import { SeedError } from '#lib/error.ts';
import type { EventMeta } from './tables/streams.ts';

export type { EventMeta } from './tables/streams.ts';

/** An event as a decider makes it. */
export interface Event<Type extends string = string, Data = unknown> {
  readonly type: Type;
  readonly data: Data;
  /** Shape of `data`. Default: the newest that the upcasters of the append know, else 1. */
  readonly typeVersion?: number;
}

/** An event as it stands in its stream. */
export interface Recorded {
  /** In all of the database; rises, with gaps; not the order of commits (see processors.ts). */
  readonly position: number;
  /** Where it was appended: for the prefix of a fork, the parent. */
  readonly stream: string;
  /** In its stream, from 1, without gaps. */
  readonly version: number;
  readonly typeVersion: number;
  readonly meta: EventMeta;
  readonly at: Date;
}

/** @typeParam E a union of `Event<Type, Data>` */
export type RecordedEvent<E extends Event = Event> = E extends Event ? Omit<E, 'typeVersion'> & Recorded : never;

/** From one shape of an event's data to the next. */
export interface Upcaster {
  type: string;
  /** The type version it takes; it answers `from + 1`. */
  from: number;
  upcast(data: unknown, event: Recorded & { type: string }): unknown;
}

export interface Upcasters {
  /** Newest type version of a type; 1 when nothing is known of it. */
  newest(type: string): number;
  /** The event with its data in the newest shape. @throws SeedError `invalid_state` when it was written by a newer program */
  upcast<E extends RecordedEvent>(event: E): E;
}

/** @throws SeedError `internal` when a step is missing or given twice */
export function upcasters(steps: readonly Upcaster[]): Upcasters {
  const chains = new Map<string, Upcaster[]>();
  for (const step of steps.toSorted((a, b) => a.from - b.from)) {
    const chain = chains.get(step.type) ?? [];
    if (step.from !== chain.length + 1) {
      throw new SeedError('internal', `the upcasters of ${step.type} go from ${step.from}, expected ${chain.length + 1}`);
    }
    chains.set(step.type, [...chain, step]);
  }
  return {
    newest: (type) => (chains.get(type)?.length ?? 0) + 1,
    upcast: (event) => {
      const chain = chains.get(event.type);
      if (chain === undefined) return event;
      if (event.typeVersion > chain.length + 1) {
        throw new SeedError(
          'invalid_state',
          `${event.type} at ${event.stream}@${event.version} has type version ${event.typeVersion}, this program knows ${chain.length + 1}`,
          {
            hint: 'it was written by a newer version of the program: start that one',
          },
        );
      }
      const missing = chain.slice(event.typeVersion - 1);
      if (missing.length === 0) return event;
      const data = missing.reduce((older, step) => step.upcast(older, event), event.data);
      return { ...event, data, typeVersion: chain.length + 1 };
    },
  };
}

/** For streams whose events have never changed. */
export const NO_UPCASTERS: Upcasters = upcasters([]);
