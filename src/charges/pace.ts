// How fast a run sends to a provider that turns requests away (429): half as many at a time and nothing before the time
// it named, then one more with every round of answers. A request that was turned away was not executed, so its attempt
// is not spent: it goes out again.
import type PQueue from 'p-queue';
import type { Clock } from '../clock.ts';
import { isTooMany } from '../gateways/classifier.ts';
import type { Outcome } from '../gateways/gateway.ts';
import { waitUntil } from './waits.ts';

/** Where the provider names no time, or none at all. */
const SHORTEST_WAIT_MS = 1_000;
/** Waits in a row without one other answer, after which the provider is not going to take anything. */
const MOST_WAITS = 10;

export class Pace {
  readonly #queue: PQueue;
  readonly #clock: Clock;
  readonly #stopped: () => boolean;
  readonly #most: number;
  #untilMs = 0;
  #isWaiting = false;
  #wave = 0;
  #waits = 0;
  #answers = 0;
  #isHopeless = false;

  /** Of `queue`, which may have as many at a time as it has now. */
  constructor(queue: PQueue, clock: Clock, stopped: () => boolean) {
    this.#queue = queue;
    this.#clock = clock;
    this.#stopped = stopped;
    this.#most = queue.concurrency;
  }

  /** The provider has turned everything away for so long that the run had better stop. */
  get isHopeless(): boolean {
    return this.#isHopeless;
  }

  /** To be read before a send, and handed to `isForLater`: those of one wave that are turned away count once. */
  get wave(): number {
    return this.#wave;
  }

  /** Takes note of an outcome. True: the request was turned away, and should go out again when the queue goes on. */
  isForLater(outcome: Outcome, wave: number): boolean {
    if (!isTooMany(outcome)) {
      this.#waits = 0;
      this.#speedUp();
      return false;
    }
    if (wave === this.#wave) this.#slowDown();
    const waitMs = Math.max(SHORTEST_WAIT_MS, outcome.retryAfterMs ?? 0);
    this.#untilMs = Math.max(this.#untilMs, this.#clock.nowMs() + waitMs);
    if (!this.#isWaiting) void this.#wait();
    return !this.#isHopeless && !this.#stopped();
  }

  #slowDown(): void {
    this.#wave += 1;
    this.#waits += 1;
    this.#isHopeless ||= this.#waits > MOST_WAITS;
    this.#answers = 0;
    this.#queue.concurrency = Math.max(1, Math.floor(this.#queue.concurrency / 2));
  }

  #speedUp(): void {
    this.#answers += 1;
    if (this.#answers < this.#queue.concurrency || this.#queue.concurrency >= this.#most) return;
    this.#answers = 0;
    this.#queue.concurrency += 1;
  }

  async #wait(): Promise<void> {
    this.#isWaiting = true;
    this.#queue.pause();
    for (let waitedMs = 0; waitedMs < this.#untilMs && !this.#stopped(); ) {
      // Meanwhile another may have been told a later time.
      waitedMs = this.#untilMs;
      await waitUntil(this.#clock, waitedMs, this.#stopped);
    }
    this.#untilMs = 0;
    this.#isWaiting = false;
    this.#queue.start();
  }
}
