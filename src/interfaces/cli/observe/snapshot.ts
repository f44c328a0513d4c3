// What system:status says of a node, as the view needs it: read with care, the node may be another version than this program.
import { isRecord } from '../table.ts';

export interface TreeRow {
  path: string;
  name: string;
  depth: number;
  status: string;
  pid: number | null;
  uptimeSeconds: number | null;
  restarts: number;
  memoryMb: number | null;
  lastExit: string | null;
}

export interface Snapshot {
  node: string;
  version: string;
  uptimeSeconds: number;
  memoryMb: number;
  queueDepth: number;
  tree: readonly TreeRow[];
  hosts: readonly Readonly<Record<string, unknown>>[];
  calls: readonly Readonly<Record<string, unknown>>[];
}

export function snapshotOf(data: unknown): Snapshot {
  const status = isRecord(data) ? data : {};
  return {
    node: textOf(status['node']),
    version: textOf(status['version']),
    uptimeSeconds: numberOf(status['uptime_seconds']) ?? 0,
    memoryMb: Math.round((numberOf(status['memory_bytes']) ?? 0) / 1_048_576),
    queueDepth: numberOf(status['queue_depth']) ?? 0,
    tree: recordsOf(status['tree']).map(treeRow),
    hosts: recordsOf(status['hosts']),
    calls: recordsOf(status['calls']),
  };
}

function treeRow(row: Readonly<Record<string, unknown>>): TreeRow {
  const path = textOf(row['path']);
  const names = path.split('/');
  return {
    path,
    name: names.at(-1) ?? '',
    depth: names.length - 1,
    status: textOf(row['status']),
    pid: numberOf(row['pid']),
    uptimeSeconds: numberOf(row['uptime_seconds']),
    restarts: numberOf(row['restarts']) ?? 0,
    memoryMb: numberOf(row['memory_mb']),
    lastExit: typeof row['last_exit'] === 'string' ? row['last_exit'] : null,
  };
}

function recordsOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

export function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
