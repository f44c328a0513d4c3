// Runs escapes the way people do who think that node:vm is a sandbox: in a context of its own, with the host's objects handed in.
// A disposable process: one line of JSON in, one out. What a payload does to it is the proof that it can be seen.
import { createInterface } from 'node:readline';
import { createContext, runInContext } from 'node:vm';

interface Request {
  js: string;
  input: unknown;
}

const TIMEOUT_MS = 1_000;
const SETTLE_MS = 2_000;

process.on('uncaughtException', () => {});
process.on('unhandledRejection', () => {});

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await run(JSON.parse(line) as Request);
  const polluted = (Object.prototype as { seedPolluted?: string }).seedPolluted;
  delete (Object.prototype as { seedPolluted?: unknown }).seedPolluted;
  process.stdout.write(`${JSON.stringify({ text: `${answer}${polluted === undefined ? '' : ` REACHED pollution by ${polluted}`}` })}\n`);
}

async function run({ js, input }: Request): Promise<string> {
  const lines: string[] = [];
  let state: string | undefined;
  const log = (message: unknown): void => void lines.push(String(message));
  const ctx = {
    agent: 'control',
    key: null,
    principal: { kind: 'user', id: 'u' },
    log: { debug: log, info: log, warn: log, error: log },
    now: () => Date.now(),
    random: () => Math.random(),
    sleep: async () => {},
    ask: async (question: unknown) => String(JSON.stringify(question)),
    state: {
      get: async () => (state === undefined ? undefined : (JSON.parse(state) as unknown)),
      set: async (value: unknown) => {
        state = JSON.stringify(value);
      },
    },
  };
  // As a careless host has it: its own console, which writes somewhere.
  const { format } = await import('node:util');
  const say = (...values: unknown[]): void => void lines.push(format(...values));
  const console = { debug: say, log: say, info: say, warn: say, error: say, trace: say };
  const sandbox = { console, URL, URLSearchParams, TextEncoder, TextDecoder, structuredClone, AbortController, AbortSignal };
  try {
    const module = runInContext(`${js}\n;__seed_module`, createContext(sandbox), { timeout: TIMEOUT_MS }) as {
      default: { handle: (input: unknown, ctx: unknown) => unknown };
    };
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => (timer = setTimeout(() => resolve('late'), SETTLE_MS)));
    const value = await Promise.race([module.default.handle(input, ctx), late]);
    clearTimeout(timer);
    return `${JSON.stringify(value)} ${lines.join(' ')}`;
  } catch (error) {
    const { message } = Object(error) as { message?: unknown };
    return `${String(message)} ${lines.join(' ')}`;
  }
}
