// Small records on disk that say when they are not what was written: one JSON text with the hash of its value, to the byte.
import { canonicalJson, sha256 } from '#lib/canonical-json.ts';

export type Unsealed<T> = { state: 'whole'; value: T } | { state: 'missing' } | { state: 'damaged' };

export function seal(value: unknown): string {
  return `${canonicalJson({ value, sha256: sha256(canonicalJson(value)) })}\n`;
}

/** Anything but the exact text that `seal` gives is damage, even where JSON would not mind. @param text null: there is no such file */
export function unseal<T>(text: string | null): Unsealed<T> {
  if (text === null) return { state: 'missing' };
  try {
    const { value } = JSON.parse(text) as { value: T };
    return seal(value) === text ? { state: 'whole', value } : { state: 'damaged' };
  } catch {
    return { state: 'damaged' };
  }
}
