// Port: wakes workers. It carries no work, only the word that a queue has some: the rows in the database are the truth,
// so a wake-up may be lost, doubled or late, and nothing else is.

/** Adapters: queues/in-process.ts for one node; BullMQ on Redis for a cluster. */
export interface Queue {
  /**
   * Wake one subscriber of the queue, on any node. Never blocks and never throws: a wake-up that can not be sent is lost, and the sweeper
   * of the jobs finds the row.
   * @param id of what is to be done: several of the same, close together, may arrive as one
   */
  notify(queue: string, id: string): void;
  /** `wake` runs soon after, never within `notify`. What it throws goes to the adapter's `onError`. @returns the way to stop */
  subscribe(queue: string, wake: (id: string) => void): () => void;
  /** No wake-up arrives afterwards. Idempotent. */
  close(): Promise<void>;
}
