// How lists of attacks on time, memory and order become payloads.
import type { Aim, Payload } from './payload.ts';

/** A body, or a body with more to it. */
export type Sketch = string | (Partial<Omit<Payload, 'name' | 'aim' | 'category' | 'cause'>> & { body: string });

export function payloadsOf(aim: Aim, category: string, sketches: Readonly<Record<string, Sketch>>): Payload[] {
  const letter = aim === 'denial' ? 'd' : 'b';
  return Object.entries(sketches).map(([name, sketch]) => ({
    place: 'call',
    ...(typeof sketch === 'string' ? { body: sketch } : sketch),
    name: `${letter}-${category}-${name}`,
    aim,
    category,
    cause: `${category}-${name}`,
  }));
}
