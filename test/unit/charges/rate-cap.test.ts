// A cap of so many sends a second: spread evenly, used nearly whole, and never passed, however late a send comes.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Place, RateCap } from '../../../src/charges/rate-cap.ts';
import { type ManualClock, manualClock } from '../../gateways/manual-clock.ts';

/** Sends `count` one after the other, each `lateMs` after its moment; tells when they went out. */
function sends(perSecond: number, count: number, lateMs: (send: number) => number): number[] {
  const clock = manualClock(0);
  const cap = new RateCap(perSecond, clock);
  const places = Array.from({ length: count }, () => cap.reserve());
  return places.map((place, send) => sent(clock, place, place.atMs + lateMs(send)));
}

/** Asks from `atMs` on until it may go; tells when it went. */
function sent(clock: ManualClock, place: Place, atMs: number): number {
  for (let askAtMs: number | 'now' = atMs; askAtMs !== 'now'; askAtMs = place.take()) {
    clock.advance(Math.max(0, Math.ceil(askAtMs) - clock.nowMs()));
  }
  return clock.nowMs();
}

/** The most that went out within any second. */
function mostInASecond(sentAtMs: readonly number[]): number {
  return Math.max(
    ...sentAtMs.map((fromMs) => sentAtMs.filter((atMs) => atMs >= fromMs && atMs < fromMs + 1000).length),
  );
}

it('spreads sends evenly from the first one on, and uses nearly all of the cap', () => {
  const sentAtMs = sends(100, 1_001, () => 0);
  expect(mostInASecond(sentAtMs)).toBeLessThanOrEqual(100);
  const gaps = sentAtMs.slice(1).map((atMs, index) => atMs - (sentAtMs[index] ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(10);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(11);
  const seconds = ((sentAtMs.at(-1) ?? 0) - (sentAtMs[0] ?? 0)) / 1000;
  expect(1_000 / seconds).toBeGreaterThanOrEqual(98);
});

it('is never passed within a second, whatever comes late and by how much', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 150 }), fc.integer({ min: 0, max: 3_000 })), {
        minLength: 1,
        maxLength: 150,
      }),
      (perSecond, late) => {
        const sentAtMs = sends(perSecond, late.length, (send) => late[send] ?? 0);
        expect(sentAtMs).toHaveLength(late.length);
        expect(mostInASecond(sentAtMs)).toBeLessThanOrEqual(perSecond);
      },
    ),
  );
});

it('lets nothing that a long pause has held back go out at once', () => {
  const sentAtMs = sends(10, 30, (send) => (send < 20 ? 60_000 : 0));
  const gaps = sentAtMs.slice(1).map((atMs, index) => atMs - (sentAtMs[index] ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(90);
});

it('takes a place in the order of the line, and nobody waits for one that was given up', () => {
  const clock = manualClock(0);
  const cap = new RateCap(10, clock);
  const first = cap.reserve();
  const second = cap.reserve();
  expect(second.atMs - first.atMs).toBeCloseTo(100.5);
  first.leave();
  first.leave();
  expect(cap.reserve().atMs).toBeCloseTo(second.atMs);
});

it('goes on at its pace after the clock was set back or forward', () => {
  for (const jumpMs of [-3_600_000, 3_600_000]) {
    const clock = manualClock();
    const cap = new RateCap(10, clock);
    let passedMs = 0;
    const sentAtMs: number[] = [];
    for (let send = 0; send < 40; send += 1) {
      if (send === 15) clock.advance(jumpMs);
      const fromMs = clock.nowMs();
      const place = cap.reserve();
      passedMs += sent(clock, place, place.atMs) - fromMs;
      sentAtMs.push(passedMs);
    }
    // A clock that was set forward looks like a process that stood still: the next one goes at once.
    expect(mostInASecond(sentAtMs)).toBeLessThanOrEqual(jumpMs > 0 ? 11 : 10);
    expect(passedMs).toBeLessThan(4_200);
  }
});

it('lets one after the other out where every one comes late, again and again', () => {
  const clock = manualClock(0);
  const cap = new RateCap(10, clock);
  const places = Array.from({ length: 50 }, () => cap.reserve());
  let asked = 0;
  for (const place of places) {
    // A machine that comes to each of them more than half a second after it should.
    do {
      clock.advance(700);
      asked += 1;
    } while (place.take() !== 'now');
  }
  expect(asked).toBe(50);
});
