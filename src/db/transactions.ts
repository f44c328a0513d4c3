// What belongs to a transaction beyond its statements: what happens after its commit, and the refusal of a
// statement beside its handle, which on a single session would wait for ever for the transaction it is part of.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Kysely } from 'kysely';
import { SeedError } from '#lib/error.ts';
import type { Tables } from './tables.ts';
import { type Database, isDatabase, type Scope, type TransactionOptions, type Tx } from './database.ts';

interface Open {
  database: Database;
  afterCommit: (() => void)[];
}

const openTransactions = new WeakMap<Tx, Open>();

/** Run `fn` once the transaction has committed; never after a rollback. What it throws goes to the database's `onError`. */
export function afterCommit(tx: Tx, fn: () => void): void {
  const open = openTransactions.get(tx);
  if (open === undefined)
    throw new SeedError('internal', 'afterCommit was given a transaction that has ended or was not begun by Database.transaction');
  open.afterCommit.push(fn);
}

/** Wake the listeners of a channel: now, or after the commit when `scope` is a transaction. */
export function notify(scope: Scope, channel: string, payload?: string): void {
  if (isDatabase(scope)) return scope.notify(channel, payload);
  const open = openTransactions.get(scope);
  if (open === undefined) throw new SeedError('internal', `notify(${channel}) was given a transaction that has ended`);
  const { database } = open;
  open.afterCommit.push(() => database.notify(channel, payload));
}

/** The transactions of one database; used by its adapter. */
export class Transactions {
  readonly #inside = new AsyncLocalStorage<{ open: boolean }>();
  readonly #onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** Called before a connection is waited for. @throws SeedError `internal` inside a transaction of this database */
  refuseBesideHandle(): void {
    if (this.#inside.getStore()?.open !== true) return;
    throw new SeedError('internal', 'a statement beside the open transaction, from inside it, would wait for ever', {
      hint: 'inside Database.transaction use the tx handle for every statement',
    });
  }

  async run<T>(database: Database, kysely: Kysely<Tables>, work: { fn: (tx: Tx) => Promise<T>; options: TransactionOptions }): Promise<T> {
    const { readOnly = false, isolation = 'read committed' } = work.options;
    const open: Open = { database, afterCommit: [] };
    const builder = kysely
      .transaction()
      .setAccessMode(readOnly ? 'read only' : 'read write')
      .setIsolationLevel(isolation);
    const result = await builder.execute(async (tx) => {
      const inside = { open: true };
      openTransactions.set(tx, open);
      try {
        return await this.#inside.run(inside, () => work.fn(tx));
      } finally {
        inside.open = false;
        openTransactions.delete(tx);
      }
    });
    for (const hook of open.afterCommit) {
      try {
        hook();
      } catch (error) {
        this.#onError(error);
      }
    }
    return result;
  }
}
