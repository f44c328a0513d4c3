// Which node this command talks to: the one that SEED_URL names, else the one that left its files in the data folder.
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { SeedError } from '#lib/error.ts';
import { describe, type NodeEndpoint } from './http-client.ts';

export interface ConnectionSettings {
  /** Of the node's data folder. */
  dataDir: string;
  /** SEED_URL. */
  url: string | undefined;
  /** SEED_TOKEN. */
  token: string | undefined;
}

export interface NodeAddress {
  endpoint: NodeEndpoint;
  token: string | undefined;
  /** What a failed connection means. */
  unreachable: (cause: unknown) => SeedError;
}

/** What a node writes into its data folder when it is ready to be asked. */
interface NodeFile {
  url: string | null;
  socket: string | null;
  pid: number;
  started_at: string;
  version: string;
}

const START = 'start one with "npm start", or set SEED_URL to one that runs elsewhere';

/** @throws SeedError `unavailable` when no node has left an address, `forbidden` when its token may not be read, `configuration` for a wrong SEED_URL. */
export async function findNode(settings: ConnectionSettings): Promise<NodeAddress> {
  const { dataDir, url } = settings;
  const left = await readNodeFile(dataDir);
  if (url !== undefined) {
    const endpoint = { url: checkUrl(url) };
    // The token of the data folder opens one node only: it is not shown to another.
    const isOurs = left?.url !== undefined && left.url !== null && checkUrl(left.url) === endpoint.url;
    const token = settings.token ?? (isOurs ? await readToken(dataDir) : undefined);
    return { endpoint, token, unreachable: (cause) => unreachable(endpoint, cause, 'SEED_URL names it: is it running there?') };
  }
  if (left === undefined) {
    throw new SeedError('unavailable', `no node is running: there is no ${shown(join(dataDir, 'node.json'))}`, { hint: START });
  }
  const endpoint = endpointOf(left, dataDir);
  const token = settings.token ?? (await readToken(dataDir));
  return { endpoint, token, unreachable: (cause) => stale(left, endpoint, { cause, dataDir }) };
}

function endpointOf(file: NodeFile, dataDir: string): NodeEndpoint {
  if (typeof file.url === 'string') return { url: checkUrl(file.url) };
  if (typeof file.socket === 'string') return { socketPath: file.socket };
  throw new SeedError('unavailable', `${shown(join(dataDir, 'node.json'))} names neither an address nor a socket`, {
    hint: 'start the node again',
  });
}

async function readNodeFile(dataDir: string): Promise<NodeFile | undefined> {
  const path = join(dataDir, 'node.json');
  try {
    return JSON.parse(await readFile(path, 'utf8')) as NodeFile;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT' || (cause as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw new SeedError('unavailable', `${shown(path)} can not be read: ${(cause as Error).message}`, { cause, hint: START });
  }
}

async function readToken(dataDir: string): Promise<string | undefined> {
  const path = join(dataDir, 'admin.token');
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new SeedError('forbidden', `${shown(path)} can not be read (${String(code)})`, {
      cause,
      hint: 'ask as the user who runs the node, or set SEED_TOKEN',
    });
  }
}

/** Without a slash at the end. */
function checkUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && (url.protocol === 'http:' || url.protocol === 'https:')) return url.href.replace(/\/+$/, '');
  throw new SeedError('configuration', `SEED_URL is ${JSON.stringify(text)}, which is not an address`, {
    hint: 'for example http://127.0.0.1:4000',
  });
}

function unreachable(endpoint: NodeEndpoint, cause: unknown, hint: string): SeedError {
  return new SeedError('unavailable', `no node answers at ${describe(endpoint)} (${reasonOf(cause)})`, { cause, hint });
}

function stale(file: NodeFile, endpoint: NodeEndpoint, { cause, dataDir }: { cause: unknown; dataDir: string }): SeedError {
  const isGone = !isAlive(file.pid);
  if (!isGone) return unreachable(endpoint, cause, `its process ${file.pid} is there: it may be starting or stopping, try again`);
  return new SeedError('unavailable', `no node is running: ${shown(join(dataDir, 'node.json'))} names process ${file.pid}, which is gone`, {
    cause,
    hint: START,
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function reasonOf(cause: unknown): string {
  const error = cause as NodeJS.ErrnoException & { errors?: readonly NodeJS.ErrnoException[] };
  return error.errors?.[0]?.code ?? error.code ?? error.message;
}

/** As somebody would type it from here. */
function shown(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : `./${short}`;
}
