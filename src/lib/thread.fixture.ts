// What the tests of threads ask for.
import { setTimeout as sleep } from 'node:timers/promises';
import { SeedError } from './error.ts';
import { serveThread } from './thread.ts';

export const methods = {
  async later(answer: string, afterMs: number): Promise<string> {
    await sleep(afterMs);
    return answer;
  },
  refuse(message: string): void {
    throw new SeedError('compile_failed', message, { details: [{ line: 3 }], hint: 'write it again' });
  },
  break(): void {
    (undefined as unknown as { member: () => void }).member();
  },
  eat(): void {
    const kept: unknown[] = [];
    for (;;) kept.push(Array.from({ length: 10_000 }, (_, index) => ({ index })));
  },
};

serveThread(methods);
