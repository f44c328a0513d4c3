// A built agent with holes where evolvable functions have their bodies: a candidate that changes nothing else is a splice away
// instead of a build away (microseconds for some 10 ms). For scoring only: what goes live is built from its sources.
import { SeedError } from '#lib/error.ts';
import type { SourceFiles } from '#kernel/compiler/artifact.ts';
import { readFunction, replaceFunctionBody } from '#kernel/compiler/function-slot.ts';

const FILE = 'agent.ts';

/** Gives the built script for bodies by function name; a function that is left out keeps its own. */
export type BuildTemplate = (bodies: Readonly<Record<string, string>>) => string;

/**
 * Builds once.
 * @param options.names functions whose bodies will change
 * @param options.build of a complete folder, to one script that is not minified
 * @throws SeedError of the build, or `internal` when the built script does not show the holes
 */
export async function createBuildTemplate(
  sources: SourceFiles,
  options: { names: readonly string[]; build: (sources: SourceFiles) => Promise<string> },
): Promise<BuildTemplate> {
  const { names, build } = options;
  const source = sources[FILE] ?? '';
  const holed = names.reduce((text, name) => replaceFunctionBody(text, name, hole(name)), source);
  const js = await build({ ...sources, [FILE]: holed });
  // Text between the holes, in the order of the built script.
  const found = names.map((name) => ({ name, at: js.indexOf(hole(name)) })).toSorted((a, b) => a.at - b.at);
  const lost = found.find(({ name, at }) => at === -1 || js.indexOf(hole(name), at + 1) !== -1);
  if (lost !== undefined) throw new SeedError('internal', `the built script does not show the body of ${lost.name} exactly once`);
  const own = new Map(names.map((name) => [name, readFunction(source, name).body]));
  return (bodies) => {
    let spliced = '';
    let from = 0;
    for (const { name, at } of found) {
      spliced += js.slice(from, at) + (bodies[name] ?? own.get(name) ?? '');
      from = at + hole(name).length;
    }
    return spliced + js.slice(from);
  };
}

/** A statement that the compiler can neither drop nor rewrite. */
function hole(name: string): string {
  return `return __seed_body_${name}__;`;
}
