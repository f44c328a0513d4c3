// The rule seed/layers: every import of every form, resolved to the file or package it means, held against layers.ts.
// oxlint's own no-restricted-imports sees neither `import('x').T` nor a template literal, compares texts instead of
// files, and its overlapping overrides replace each other.
import path from 'node:path';
import type { Fence, Layer } from './layers.ts';

/** What the lint configuration hands over: layers.ts as it was when the configuration was generated. */
export interface LayerOptions {
  layers: readonly Layer[];
  contexts: string;
  agents: { path: string; imports: readonly string[] };
  free: readonly string[];
  fences: readonly Fence[];
  environment: readonly string[];
  computed: readonly string[];
}

interface Node {
  type: string;
  [member: string]: unknown;
}

interface Context {
  filename: string;
  cwd: string;
  options: readonly [LayerOptions];
  report: (diagnostic: { node: Node; message: string }) => void;
}

const layers = {
  meta: { schema: [{ type: 'object' }] },
  create(context: Context) {
    const file = path.relative(context.cwd, context.filename).split(path.sep).join('/');
    const [options] = context.options;
    if (options.free.some((free) => file.startsWith(free)) || /\.test\.tsx?$/.test(file)) return {};
    const check = (node: Node, source: unknown): void => {
      if (source === null || source === undefined) return;
      const specifier = textOf(source as Node);
      const message = specifier === undefined ? computedFault(file, options) : fault({ file, specifier, names: namesOf(node), options });
      if (message !== undefined) context.report({ node, message });
    };
    const fromSource = (node: Node): void => check(node, node['source']);
    const visitors: Record<string, (node: Node) => void> = {
      ImportDeclaration: fromSource,
      ExportAllDeclaration: fromSource,
      ExportNamedDeclaration: fromSource,
      ImportExpression: fromSource,
      TSImportType: fromSource,
      TSExternalModuleReference: (node) => check(node, node['expression']),
      CallExpression(node) {
        if (isName(node['callee'], 'require')) check(node, (node['arguments'] as Node[])[0]);
        if (isMember(node['callee'], 'process', 'getBuiltinModule')) check(node, (node['arguments'] as Node[])[0]);
      },
    };
    if (options.environment.includes(file)) return visitors;
    const readsEnvironment = (node: Node): void =>
      context.report({ node, message: `only ${options.environment.join(', ')} reads the environment` });
    return {
      ...visitors,
      MemberExpression: (node: Node) => isMember(node, 'process', 'env') && !isAssigned(node) && readsEnvironment(node),
      VariableDeclarator(node: Node) {
        const { id, init } = node as { id?: Node; init?: Node };
        const properties = id?.type === 'ObjectPattern' ? (id['properties'] as Node[]) : [];
        if (isName(init, 'process') && properties.some((property) => isName(property['key'], 'env'))) readsEnvironment(node);
      },
    };
  },
};

export default { meta: { name: 'seed' }, rules: { layers } };

interface Import {
  file: string;
  specifier: string;
  /** What is taken from it; undefined when that is everything. */
  names: readonly string[] | undefined;
  options: LayerOptions;
}

/** What is wrong with this import, or undefined. */
function fault({ file, specifier, names, options }: Import): string | undefined {
  if (file.startsWith(options.agents.path)) return agentFault(file, specifier, options);
  const layer = layerOf(file, options);
  if (layer === undefined) return `${file} belongs to no layer: say in scripts/layers.ts what it may import`;
  const target = targetOf(file, specifier);
  if (target === undefined) return fenceFault({ file, specifier, names, options });
  const reach = contextFault(file, target, options);
  if (reach !== undefined) return reach;
  const inside = layer.path.endsWith('/') && (target.startsWith(layer.path) || sameContexts(file, target, options));
  if (!inside && !allows(layer, target)) return `${shown(layer.path)} may not import ${shown(target)}`;
  return spellingFault({ file, specifier, target, layer, options });
}

/** Inside a layer by relative paths, across layers by `#` names, so that a reader sees which it is. */
function spellingFault(found: {
  file: string;
  specifier: string;
  target: string;
  layer: Layer;
  options: LayerOptions;
}): string | undefined {
  const { file, specifier, target, layer, options } = found;
  const byName = specifier.startsWith('#');
  if (layer.relativeOnly === true) return byName ? `${file} is published: import ${target} by a relative path` : undefined;
  const folder = namedFolder(target, options);
  if (folder === undefined) return layerOf(target, options) === undefined ? `${target} belongs to no layer` : undefined;
  const inside = folder === namedFolder(file, options);
  if (byName && inside) return `inside ${shown(folder)} import ${target} by a relative path`;
  return !byName && !inside ? `import ${target} as #${target.slice('src/'.length)}: across layers by name` : undefined;
}

/** The layer's folder that has a `#` name: a whole folder of src/ that is no composition root. */
function namedFolder(file: string, { layers: all }: LayerOptions): string | undefined {
  return all.find(({ path: place, imports }) => /^src\/[^/]+\/$/.test(place) && file.startsWith(place) && !imports.includes('*'))?.path;
}

/** One context may see another's index.ts, and whatever stands beside the contexts. */
function contextFault(file: string, target: string, { contexts }: LayerOptions): string | undefined {
  const from = contextOf(file, contexts);
  const to = contextOf(target, contexts);
  if (from === undefined || to === undefined || from === to || target === `${contexts}${to}/index.ts`) return undefined;
  return `${contexts}${from} may not reach into ${to}: only its index.ts`;
}

function sameContexts(file: string, target: string, { contexts }: LayerOptions): boolean {
  return file.startsWith(contexts) && target.startsWith(contexts);
}

function contextOf(file: string, contexts: string): string | undefined {
  return file.startsWith(contexts) ? /^([^/]+)\//.exec(file.slice(contexts.length))?.[1] : undefined;
}

function agentFault(file: string, specifier: string, { agents }: LayerOptions): string | undefined {
  if (agents.imports.includes(specifier)) return undefined;
  const own = `${agents.path}${file.slice(agents.path.length).split('/')[0]}/`;
  if (specifier.startsWith('.') && resolve(file, specifier).startsWith(own)) return undefined;
  return `an agent imports ${agents.imports.join(', ')} and its own files, not ${specifier}`;
}

function computedFault(file: string, { computed }: LayerOptions): string | undefined {
  return computed.includes(file) ? undefined : 'an import must name what it imports: it can not be checked otherwise';
}

function fenceFault({ file, specifier, names, options: { fences } }: Import): string | undefined {
  const name = isBuiltin(specifier) ? `node:${specifier.replace(/^node:/, '')}` : specifier;
  for (const { packages, names: fenced, within } of fences) {
    if (!packages.some((known) => name === known || name.startsWith(known.endsWith('/') ? known : `${known}/`))) continue;
    if (within.some((place) => matches(file, place))) continue;
    if (fenced !== undefined && names?.some((found) => fenced.includes(found)) === false) continue;
    return within.length === 0 ? `${name} is not used here` : `${name} is used in ${within.join(', ')} only`;
  }
  return undefined;
}

function layerOf(file: string, { layers: all }: LayerOptions): Layer | undefined {
  return all.filter(({ path: place }) => matches(file, place)).toSorted((a, b) => b.path.length - a.path.length)[0];
}

function allows(layer: Layer, target: string): boolean {
  return layer.path === target || layer.imports.some((place) => place === '*' || matches(target, place));
}

/** `a/` is everything below a; `*` one part of a path. */
function matches(file: string, place: string): boolean {
  if (!place.includes('*')) return place.endsWith('/') ? file.startsWith(place) : file === place;
  const parts = place.split('/');
  const fileParts = file.split('/');
  return parts.length === fileParts.length && parts.every((part, index) => globPart(part).test(fileParts[index] ?? ''));
}

function globPart(part: string): RegExp {
  return new RegExp(
    `^${part
      .split('*')
      .map((text) => text.replaceAll('.', '\\.'))
      .join('[^/]*')}$`,
  );
}

/** The project's file that is meant, or undefined for a package. */
function targetOf(file: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return resolve(file, specifier);
  if (specifier.startsWith('#')) return `src/${specifier.slice(1)}`;
  return specifier.startsWith('seed-agent/') ? `src/${specifier.slice('seed-agent/'.length)}.ts` : undefined;
}

function resolve(file: string, specifier: string): string {
  return path.posix.join(path.posix.dirname(file), specifier);
}

function isBuiltin(specifier: string): boolean {
  return /^(?:node:)?(?:child_process|module|process)$/.test(specifier);
}

/** The text of a literal or of a template without holes. */
function textOf(node: Node): string | undefined {
  if (typeof node['value'] === 'string') return node['value'];
  const quasis = node['quasis'] as { value: { cooked: string } }[] | undefined;
  return quasis?.length === 1 ? quasis[0]?.value.cooked : undefined;
}

/** Names that an import or re-export takes; undefined when it takes the module as a whole. */
function namesOf(node: Node): readonly string[] | undefined {
  const specifiers = node['specifiers'] as Node[] | undefined;
  if (specifiers === undefined || specifiers.some(({ type }) => /^Import(Default|Namespace)Specifier$/.test(type))) return undefined;
  return specifiers.map((specifier) => {
    const { name, value } = (specifier['imported'] ?? specifier['local']) as { name?: string; value?: string };
    return name ?? value ?? '';
  });
}

/** `process.env.X = …` and `delete process.env.X` set and do not read. */
function isAssigned(node: Node): boolean {
  const member = node['parent'] as Node;
  const { type, left } = member['parent'] as { type: string; left?: unknown };
  return member.type === 'MemberExpression' && (type === 'AssignmentExpression' ? left === member : type === 'UnaryExpression');
}

function isName(node: unknown, name: string): boolean {
  const { type, name: found, value } = (node ?? {}) as { type?: string; name?: string; value?: unknown };
  return type === 'Identifier' ? found === name : value === name;
}

/** `object.member`, `object['member']`, and the same behind globalThis. */
function isMember(node: unknown, object: string, member: string): boolean {
  const { type, object: owner, property } = (node ?? {}) as { type?: string; object?: Node; property?: Node };
  if (type !== 'MemberExpression' || !isName(property, member)) return false;
  return isName(owner, object) || isMember(owner, 'globalThis', object);
}

function shown(place: string): string {
  return place.replace(/\/$/, '');
}
