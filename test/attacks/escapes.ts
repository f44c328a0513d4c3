// Every escape: host roots × constructor chains with a sink and a way out for each, and the single causes beside them.
import { CAUSES } from './escape-causes.ts';
import { CHAIN_TOOLS, CHAINS } from './escape-chains.ts';
import { PARKING_ROOTS, ROOTS } from './escape-roots.ts';
import { SINKS, sinkBody, WAYS_OUT } from './escape-sinks.ts';
import type { Payload } from './payload.ts';

const sinks = Object.keys(SINKS);
const ways = Object.keys(WAYS_OUT);

/** roots × chains; sinks and ways out take turns, so that each meets every root and every chain. */
export function escapeMatrix(): Payload[] {
  return Object.entries(ROOTS).flatMap(([root, reach], row) =>
    Object.entries(CHAINS).map(([chain, expression], column): Payload => {
      const number = row + column + Math.floor(row / Object.keys(CHAINS).length);
      const sink = sinks[number % sinks.length] as string;
      const way = ways[(row + column) % ways.length] as string;
      return {
        name: `x-${root}-${chain}`,
        aim: 'escape',
        category: sink,
        cause: root,
        place: 'call',
        isolation: PARKING_ROOTS.has(root) ? 'call' : 'version',
        top: CHAIN_TOOLS,
        body: `const root = { r: null }; ${reach}\n    const { r } = root;\n    const F = ${expression};\n    ${sinkBody(sink, way)}`,
      };
    }),
  );
}

const OFFER = `${CHAIN_TOOLS}
const offered = [];
const offer = (value) => { offered[offered.length] = value; };
const makerOf = (value) => {
  if (value === null || value === undefined) return null;
  try {
    if (typeof value.getBuiltinModule === 'function' && typeof value.pid === 'number') return () => () => ({ process: value });
    if (typeof value.process === 'object' && typeof value.process.pid === 'number') return () => () => value;
    for (const maker of [topOf(value)['construct' + 'or']['construct' + 'or'], topOf(value).toString['construct' + 'or']])
      if (typeof maker('return this')().process === 'object') return maker;
  } catch {}
  return null;
};
`;

/** One for each of the other causes. */
export function escapeCauses(): Payload[] {
  return Object.entries(CAUSES).map(([cause, { top = '', body }], number): Payload => {
    const sink = sinks[number % sinks.length] as string;
    const way = ways[number % ways.length] as string;
    return {
      name: `y-${cause}`,
      aim: 'escape',
      category: sink,
      cause,
      place: 'call',
      top: `${OFFER}${top}`,
      body: `{ ${body} }\n    const count = Math.min(offered.length, 5000);\n    let F = null;\n    for (let index = 0; index < count && F === null; index += 1) F = makerOf(offered[index]);\n    if (F === null) throw new Error('nothing of the host among ' + count);\n    ${sinkBody(sink, way)}`,
    };
  });
}
