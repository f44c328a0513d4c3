// One attack: the code of an agent, and what has to be known to judge it.

export type Aim = 'escape' | 'denial' | 'boundary';

/** Where its code runs first: in a call, at the top level of agent.ts, in an example of the contract, in contract.ts, in evals/ when a search scores by it. */
export type Place = 'call' | 'load' | 'example' | 'contract' | 'evaluation';

export interface Payload {
  /** Its agent's name: lower case, digits and `-`. */
  name: string;
  aim: Aim;
  /** A line of the table. */
  category: string;
  /** What would have to be wrong for it to succeed: several payloads may be after the same. */
  cause: string;
  place: Place;
  /** Statements of the handler `async handle(input, ctx)`. `{{…}}` are filled in by `arm`. */
  body: string;
  /** Statements before the agent, at the top level of agent.ts. */
  top?: string;
  /** Statements before the contract, in contract.ts. */
  contractTop?: string;
  /** Members of `evaluation({ … })`; `evaluationTop` stands before it. The function `weigh` of agent.ts is what a search would better. */
  evaluation?: string;
  evaluationTop?: string;
  /** Body of `weigh(n)`. */
  weigh?: string;
  /** Members that are added to the contract. */
  contract?: string;
  /** Default 'version'. */
  isolation?: 'version' | 'call';
  /** Calls, one after the other. Default 1. */
  calls?: number;
  /** Calls before those, many at a time, with `input.n` 0: they must be answered. Default 0. */
  warmUp?: number;
  /** Nothing is wrong with an answer: what it does must only not reach further than itself. Default false: it has to fail. */
  mayAnswer?: boolean;
}

const CAPABILITIES = ['log', 'now', 'random', 'state'];
/** Granted to payloads with a context for each call, which only those may have. */
const PARKING = ['sleep', 'ask'];

/** Limits of every payload's calls; the judge counts from the deadline. */
const LIMITS = { cpuMs: 150, deadlineMs: 500, memoryMb: 32 } as const;

/** What a module's top level, an example or a contract may take by itself: the product's own limits for them, not the payload's. */
export const DEADLINE_MS: Readonly<Record<Place, number>> = {
  call: LIMITS.deadlineMs,
  load: 5_000,
  example: 2_000,
  contract: 5_000,
  evaluation: 10_000,
};

/** Where an attack would leave its traces, and what it is after. */
export interface Arms {
  /** A folder that files can be made in. */
  dir: string;
  /** A file with a secret in it. */
  secret: string;
  /** Of a listener on loopback. */
  port: number;
}

/** As an upload. */
export function filesOf(payload: Payload, arms: Arms): Record<string, string> {
  const files = {
    'contract.ts': contractOf(payload),
    'agent.ts': agentOf(payload),
    ...(payload.place === 'evaluation' ? { 'evals/evaluation.ts': evaluationOf(payload) } : {}),
  };
  return Object.fromEntries(Object.entries(files).map(([path, text]) => [path, arm(text, payload, arms)]));
}

function arm(text: string, { name }: Payload, arms: Arms): string {
  return text
    .replaceAll('{{dir}}', arms.dir)
    .replaceAll('{{secret}}', arms.secret)
    .replaceAll('{{port}}', String(arms.port))
    .replaceAll('{{id}}', name);
}

function contractOf({ name, contractTop = '', contract = '', isolation = 'version', place }: Payload): string {
  return `import { contract, z } from 'seed-agent/agent';
${contractTop}
export default contract({
  name: '${name}',
  summary: 'an attack',
  exports: { handle: { kind: 'call', input: z.object({ n: z.number(), list: z.array(z.number()), text: z.string() }), output: z.unknown() },
    ${place === 'evaluation' ? "weigh: { kind: 'evolvable', parameters: { n: { min: 0, max: 100 } } }," : ''} },
  ${place === 'evaluation' ? "objective: { name: 'weight', direction: 'minimize' }," : ''}
  capabilities: [${(isolation === 'call' ? [...CAPABILITIES, ...PARKING] : CAPABILITIES).map((name) => `'${name}'`).join(', ')}],
  limits: { cpuMs: ${LIMITS.cpuMs}, deadlineMs: ${LIMITS.deadlineMs}, memoryMb: ${LIMITS.memoryMb}, idleMs: ${LIMITS.deadlineMs}, streamMs: ${LIMITS.deadlineMs} },
  isolation: '${isolation}',
  ${place === 'example' ? `examples: [{ input: ${JSON.stringify(INPUT)} }],` : ''}
  ${contract}
});
`;
}

function agentOf({ top = '', body, weigh }: Payload): string {
  return `import { agent } from 'seed-agent/agent';
${top}
${weigh === undefined ? '' : `export function weigh(n) { ${weigh} }`}
export default agent({
  async handle(input, ctx) {
${body}
  },
});
`;
}

function evaluationOf({ evaluation = '', evaluationTop = '' }: Payload): string {
  return `import { evaluation } from 'seed-agent/agent';
${evaluationTop}
export default evaluation({
  bestPossible: 0,
  sample: () => 1,
  ${evaluation}
});
`;
}

/** What every payload is called with. */
export const INPUT = { n: 1, list: [1, 2, 3], text: 'text' } as const;
