// All operations by name. They may come and go while the node runs (modules bring their own), so surfaces ask, and listen.
import { SeedError } from '#lib/error.ts';
import { nearest } from '#lib/nearest.ts';
import type { Operation } from './operation.ts';

const NAME = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*(?::[a-z][a-z0-9]*(?:-[a-z0-9]+)*){1,3}$/;

export interface Registry<Ports = unknown> {
  /** @throws SeedError `conflict` when a name or alias is taken, `configuration` when it is not `domain:action`. */
  add(operation: Operation<Ports>): void;
  /** Whether it was there. */
  remove(name: string): boolean;
  /** By name or alias. */
  find(name: string): Operation<Ports> | undefined;
  /** By name or alias. @throws SeedError `not_found`, with the nearest name as its hint. */
  get(name: string): Operation<Ports>;
  /** By name. */
  list(): readonly Operation<Ports>[];
  /** Called after every change; answers what ends it. A listener that throws vetoes an addition: it is taken back. */
  onChange(listener: () => void): () => void;
}

/** @param operations the first ones, added in order. */
export function createRegistry<Ports>(operations: readonly Operation<Ports>[] = []): Registry<Ports> {
  const byName = new Map<string, Operation<Ports>>();
  const byAlias = new Map<string, Operation<Ports>>();
  const listeners = new Set<() => void>();
  const changed = (): void => listeners.forEach((listener) => listener());

  const registry: Registry<Ports> = {
    add(operation) {
      const names = [operation.name, ...(operation.aliases ?? [])];
      for (const name of names) {
        if (!NAME.test(name)) {
          throw new SeedError('configuration', `${JSON.stringify(name)} is not a name for an operation`, {
            hint: 'domain:action, in lower case',
          });
        }
        const holder = registry.find(name);
        if (holder !== undefined || names.indexOf(name) !== names.lastIndexOf(name)) {
          throw new SeedError('conflict', `the name ${name} of ${operation.name} is taken by ${holder?.name ?? operation.name}`);
        }
      }
      byName.set(operation.name, operation);
      for (const alias of operation.aliases ?? []) byAlias.set(alias, operation);
      try {
        changed();
      } catch (error) {
        registry.remove(operation.name);
        throw error;
      }
    },
    remove(name) {
      const operation = registry.find(name);
      if (operation === undefined) return false;
      byName.delete(operation.name);
      for (const alias of operation.aliases ?? []) byAlias.delete(alias);
      changed();
      return true;
    },
    find: (name) => byName.get(name) ?? byAlias.get(name),
    get(name) {
      const operation = registry.find(name);
      if (operation !== undefined) return operation;
      const close = nearest(name, [...byName.keys(), ...byAlias.keys()]);
      throw new SeedError('not_found', `there is no operation ${JSON.stringify(name.slice(0, 80))}`, {
        hint: close === undefined ? 'cli:list shows all of them' : `did you mean ${close}?`,
      });
    },
    list: () => [...byName.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  for (const operation of operations) registry.add(operation);
  return registry;
}
