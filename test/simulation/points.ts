// Where everything that happens at once waits until it is let on, one thing at a time, so that an interleaving of
// processes is a sequence of draws and can be had again. A point is a place between two effects that others can see: before
// and after a commit, on the way to the bank and back.
import { setImmediate as turn } from 'node:timers/promises';
import type { Random } from '../../src/clock.ts';
import type { Statistics } from './statistics.ts';

/** What may happen at each kind of point, with its weight among the others. The first is what happens without faults. */
export const HAPPENINGS = {
  commit: {
    commit: 966,
    crash_before_commit: 8,
    commit_lost_unconfirmed: 6,
    commit_stands_unconfirmed: 6,
    commit_lost_undecided: 2,
    commit_stands_undecided: 2,
  },
  committed: { go_on: 990, crash_after_commit: 10 },
  send: {
    deliver: 560,
    lose_request: 80,
    late_arrival: 90,
    refuse_connection: 60,
    throttle: 50,
    unauthorized: 12,
    crash_before_send: 15,
  },
  answer: {
    arrive: 640,
    lose_answer: 110,
    garbage: 30,
    server_error: 50,
    wrong_amount: 45,
    crash_after_send: 20,
  },
  late: { arrive_late: 1 },
  lookup: { look_up: 850, lookup_unavailable: 100, crash_in_lookup: 30 },
  list: { list: 900, list_unavailable: 80, crash_in_list: 20 },
  cancel: { cancel: 850, cancel_unavailable: 150, crash_in_cancel: 300 },
  sleep: { wake: 1 },
} as const;

export type PointKind = keyof typeof HAPPENINGS;
type KeysOf<T> = T extends unknown ? keyof T : never;
export type Happening = KeysOf<(typeof HAPPENINGS)[PointKind]>;

export interface Released {
  what: Happening;
  /** The draws of whoever let it on, for what follows from it. */
  random: Random;
}

interface Point {
  /** Who waits; `null` for what is on its way through the network by itself. */
  who: object | null;
  kind: PointKind;
  note: string;
  release: (released: Released) => void;
  /** Called instead when its process has ended. */
  dropped: (random: Random) => void;
}

/** Turns of the event loop without any work under way, after which everything waits at a point (group commits take one). */
const QUIET_TURNS = 6;

export class Points {
  readonly #statistics: Statistics;
  #points: Point[] = [];
  #busy = 0;
  #whenDone: () => void = () => undefined;
  /** Without faults, the first of each kind's happenings is what happens. */
  areFaultsOn = true;
  /** What was let on, in order. */
  readonly trace: string[] = [];

  constructor(statistics: Statistics) {
    this.#statistics = statistics;
  }

  waits(who: object, kind: PointKind): boolean {
    return this.#points.some((point) => point.who === who && point.kind === kind);
  }

  wait(
    who: object | null,
    kind: PointKind,
    note: string,
    dropped: Point['dropped'] = () => undefined,
  ): Promise<Released> {
    return new Promise((release) => {
      this.#points.push({ who, kind, note, release, dropped });
    });
  }

  /** Work that is under way while no point is waited at. */
  begin(): void {
    this.#busy += 1;
  }

  end(): void {
    this.#busy -= 1;
    if (this.#busy === 0) this.#whenDone();
  }

  async during<T>(work: Promise<T>): Promise<T> {
    this.begin();
    try {
      return await work;
    } finally {
      this.end();
    }
  }

  /** Resolves once nothing moves by itself any more. */
  async idle(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_TURNS; quiet += 1) {
      await turn();
      if (this.#busy === 0) continue;
      await new Promise<void>((resolve) => {
        this.#whenDone = resolve;
      });
      quiet = -1;
    }
  }

  /** Lets one on, drawn among those that wait; false where none does. */
  async step(random: Random, among: (point: { who: object | null; kind: PointKind }) => boolean = () => true) {
    const open = this.#points.filter(among);
    const point = open[Math.floor(random() * open.length)];
    if (point === undefined) return false;
    await this.#let(point, this.#draw(point.kind, random), random);
    return true;
  }

  /** Lets every one of a kind on with this happening. */
  async all(kind: PointKind, what: Happening, random: Random): Promise<void> {
    for (const point of this.#points.filter((each) => each.kind === kind)) await this.#let(point, what, random);
  }

  /** Its process has ended: what it waited for never comes. */
  drop(who: object, random: Random): void {
    const dropped = this.#points.filter((point) => point.who === who);
    this.#points = this.#points.filter((point) => point.who !== who);
    for (const point of dropped) point.dropped(random);
  }

  async #let(point: Point, what: Happening, random: Random): Promise<void> {
    this.#points = this.#points.filter((each) => each !== point);
    this.#statistics.count(what);
    this.trace.push(`${point.note} ${what}`);
    point.release({ what, random });
    await this.idle();
  }

  #draw(kind: PointKind, random: Random): Happening {
    return this.areFaultsOn ? weighted(HAPPENINGS[kind], random) : (Object.keys(HAPPENINGS[kind])[0] as Happening);
  }
}

export function weighted<Word extends string>(weights: Readonly<Partial<Record<Word, number>>>, random: Random): Word {
  const entries = Object.entries(weights) as [Word, number][];
  let left = random() * entries.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [word, weight] of entries) {
    left -= weight;
    if (left < 0) return word;
  }
  throw new Error('nothing to draw from');
}
