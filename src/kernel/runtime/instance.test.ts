import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { SeedError } from '#lib/error.ts';
import { Instance } from './instance.ts';
import type { Claim, ClaimedKey, Commit, IdempotentAnswer, StateStore } from './state-store.ts';

/** The store's rules on one instance, without a database: a fence and a state. The database's adapter has its own test. */
class OneInstance implements StateStore {
  fence = 0;
  revision = 0;
  stateJson: string | null = null;
  stateVersion = 1;
  commits: Commit[] = [];
  claim(): Promise<Claim> {
    this.fence += 1;
    const { fence, revision, stateJson, stateVersion } = this;
    return Promise.resolve({ fence, revision, stateJson, stateHash: null, stateVersion, migrations: 0, frozenHash: null });
  }
  renewals: number[] = [];
  renew({ fence }: ClaimedKey): Promise<boolean> {
    this.renewals.push(fence);
    return Promise.resolve(fence === this.fence);
  }
  release(): Promise<void> {
    return Promise.resolve();
  }
  commit(commit: Commit): Promise<void> {
    if (commit.instance !== null) {
      if (commit.instance.fence !== this.fence) return Promise.reject(new SeedError('conflict', 'fenced'));
      this.stateJson = commit.instance.stateJson;
      this.stateVersion = commit.instance.stateVersion;
      this.revision += 1;
    }
    this.commits.push(commit);
    return Promise.resolve();
  }
  findAnswer(): Promise<IdempotentAnswer | null> {
    return Promise.resolve(null);
  }
}

function make(queueLimit = 10) {
  const store = new OneInstance();
  const clock = { ms: 0 };
  const instance = new Instance({ agent: 'a', key: 'k', store, queueLimit, monotonicMs: () => clock.ms });
  const increment = () =>
    instance.turn(async (turn) => {
      const value = Number((await turn.stateJson()) ?? '0') + 1;
      await Promise.resolve();
      await turn.commit({ stateJson: String(value), stateHash: 'h', stateVersion: 1, idempotency: null });
      return value;
    });
  return { store, clock, instance, increment };
}

describe('an instance', () => {
  test('runs its calls one after the other', async () => {
    const { increment, store } = make();
    const values = await Promise.all([increment(), increment(), increment()]);
    expect(values).toEqual([1, 2, 3]);
    expect(store.fence).toBe(1);
  });

  test('a call that fails does not stop the next', async () => {
    const { instance, increment } = make();
    await expect(instance.turn(() => Promise.reject(new Error('boom')))).rejects.toThrow('boom');
    expect(await increment()).toBe(1);
  });

  test('refuses a call when too many wait', async () => {
    const { increment } = make(2);
    const waiting = [increment(), increment()];
    await expect(increment()).rejects.toMatchObject({ code: 'queue_full', retryAfterMs: 1_000 });
    await Promise.all(waiting);
  });

  test('reads the state again when its lease may be over', async () => {
    const { clock, increment, store } = make();
    await increment();
    store.stateJson = '10';
    clock.ms = 15_000;
    expect(await increment()).toBe(11);
  });

  test('does not overwrite what another node wrote while the call ran', async () => {
    const { clock, instance, increment, store } = make();
    const overtaken = instance.turn(async (turn) => {
      await turn.stateJson();
      clock.ms = 20_000;
      store.fence += 1;
      store.stateJson = '99';
      await turn.commit({ stateJson: '1', stateHash: 'h', stateVersion: 1, idempotency: null });
    });
    await expect(overtaken).rejects.toMatchObject({ code: 'conflict' });
    expect(store.stateJson).toBe('99');
    expect(await increment()).toBe(100);
  });

  test('a call that did not set the state commits nothing', async () => {
    const { instance, store } = make();
    await instance.turn((turn) => turn.commit({ stateJson: undefined, stateHash: 'h', stateVersion: 1, idempotency: null }));
    expect(store.commits).toEqual([]);
  });
});

describe('a state of another version', () => {
  test('is refused to a version that does not read it, whether it reads or only sets', async () => {
    const { instance, store } = make();
    Object.assign(store, { stateJson: '1', stateVersion: 2 });
    const refused = { code: 'conflict', details: { reason: 'state_migrated', stateVersion: 2, readVersion: 1 } };
    await expect(instance.turn((turn) => turn.stateJson())).rejects.toMatchObject(refused);
    const set = instance.turn((turn) => turn.commit({ stateJson: '5', stateHash: 'h', stateVersion: 1, idempotency: null }));
    await expect(set).rejects.toMatchObject(refused);
    expect(store.stateJson).toBe('1');
  });

  test('that was changed is what the call sees, and is kept with the call even if it sets nothing', async () => {
    const { instance, store } = make();
    Object.assign(store, { stateJson: '1', stateVersion: 1, revision: 4 });
    await instance.turn(async (turn) => {
      turn.reads(2, '"one"');
      expect(await turn.stateJson()).toBe('"one"');
      await turn.commit({ stateJson: undefined, stateHash: 'new', stateVersion: 2, idempotency: null });
    });
    expect(store.commits[0]?.instance).toMatchObject({ stateJson: '"one"', stateHash: 'new', written: false, replacesVersion: true });
    await instance.turn(async (turn) => {
      turn.reads(2);
      expect(await turn.claim()).toMatchObject({ stateJson: '"one"', stateVersion: 2, migrations: 1, revision: 5 });
    });
  });

  test('that was changed for a call that failed stays as it was', async () => {
    const { instance, store } = make();
    Object.assign(store, { stateJson: '1', stateVersion: 1 });
    const failed = instance.turn((turn) => {
      turn.reads(2, '"one"');
      return Promise.reject(new Error('boom'));
    });
    await expect(failed).rejects.toThrow('boom');
    expect(store).toMatchObject({ stateJson: '1', stateVersion: 1, commits: [] });
  });
});

test('a call that takes longer than a lease keeps its claim', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { instance, store } = make();
  const { promise, resolve } = Promise.withResolvers<void>();
  const long = instance.turn(async (turn) => {
    await turn.stateJson();
    await promise;
  });
  await vi.advanceTimersByTimeAsync(16_000);
  expect(store.renewals).toEqual([1, 1, 1]);
  resolve();
  await long;
  await vi.advanceTimersByTimeAsync(16_000);
  expect(store.renewals).toHaveLength(3);
});
