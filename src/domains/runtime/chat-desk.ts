// The places in which models are asked, and the models themselves: what agents:chat stands on.
import type { LanguageModelV4 } from '@ai-sdk/provider';
import { SeedError } from '#lib/error.ts';

const LATER_MS = 5_000;

export interface ChatDeskOptions {
  /** @throws SeedError `invalid_input` for no such model; `unavailable` with `details.failure` `missing_api_key` without a credential */
  model: (name: string) => Promise<LanguageModelV4>;
  /** Answers that are made at once, at most. */
  places: number;
  /** For one answer, from the question to its last word. */
  timeoutMs: number;
}

export class ChatDesk {
  readonly model: ChatDeskOptions['model'];
  readonly timeoutMs: number;
  readonly #places: number;
  #taken = 0;

  constructor({ model, places, timeoutMs }: ChatDeskOptions) {
    this.model = model;
    this.timeoutMs = timeoutMs;
    this.#places = places;
  }

  /** Takes a place; what it returns gives it back, once. @throws SeedError `rate_limited` when there is none: nobody waits in line */
  enter(): () => void {
    if (this.#taken >= this.#places) {
      throw new SeedError('rate_limited', `${this.#taken} answers are being made, which is as many as there may be at once`, {
        hint: 'ask again later; CHAT_CONCURRENCY is how many there may be',
        retryAfterMs: LATER_MS,
      });
    }
    this.#taken += 1;
    let isHere = true;
    return () => {
      if (isHere) this.#taken -= 1;
      isHere = false;
    };
  }
}
