// Group commit: whatever has arrived while one batch is being committed is committed together in the next one. A single
// `charges create` is the same code with a batch of one, and a run of thousands pays one fsync for hundreds of rows.

export interface GroupCommitOptions<In, Out> {
  /** Commits the whole batch or nothing; answers in the order of the batch. */
  commit: (batch: In[]) => Promise<Out[]>;
  maxBatch: number;
  /** Errors after which each member is committed alone, so that one bad row holds nobody up. */
  splitOn: (error: unknown) => boolean;
}

interface Waiting<In, Out> {
  item: In;
  resolve: (out: Out) => void;
  reject: (error: unknown) => void;
}

export class GroupCommit<In, Out> {
  readonly #options: GroupCommitOptions<In, Out>;
  #waiting: Waiting<In, Out>[] = [];
  #running = false;

  constructor(options: GroupCommitOptions<In, Out>) {
    this.#options = options;
  }

  /** Resolves once the item is committed durably. */
  submit(item: In): Promise<Out> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    // One turn of the event loop, so that what arrives together is committed together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      await this.#commit(this.#waiting.splice(0, this.#options.maxBatch));
    }
    this.#running = false;
  }

  async #commit(batch: Waiting<In, Out>[]): Promise<void> {
    try {
      const results = await this.#options.commit(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, index) => {
        resolve(results[index] as Out);
      });
    } catch (error) {
      if (batch.length > 1 && this.#options.splitOn(error)) {
        for (const single of batch) await this.#commit([single]);
        return;
      }
      for (const { reject } of batch) reject(error);
    }
  }
}
