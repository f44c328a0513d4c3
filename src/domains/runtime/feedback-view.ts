// One person's verdict on one call, as operations show it.
import type { Feedback } from './feedback-store.ts';

export function shownFeedback({ by, verdict, expectedJson, note, at }: Feedback) {
  const expected: unknown = expectedJson === null ? null : JSON.parse(expectedJson);
  return { by: `${by.kind}/${by.id}`, verdict, expected, note, at: at.toISOString() };
}
