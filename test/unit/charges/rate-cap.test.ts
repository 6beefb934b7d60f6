// A cap of so many sends a second: spread evenly, used nearly whole, and never passed, however late a send comes.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RateCap } from '../../../src/charges/rate-cap.ts';
import { manualClock } from '../../gateways/manual-clock.ts';

/** Sends `count` one after the other, each `lateMs` after its moment; tells when they went out. */
function sends(perSecond: number, count: number, lateMs: (send: number) => number): number[] {
  const clock = manualClock(0);
  const cap = new RateCap(perSecond, clock);
  const moments = Array.from({ length: count }, () => cap.reserve());
  return moments.map((moment, send) => {
    let atMs = moment + lateMs(send);
    for (;;) {
      clock.advance(Math.max(0, Math.ceil(atMs) - clock.nowMs()));
      const taken = cap.take(moments[send] ?? 0);
      if (taken === 'now') return clock.nowMs();
      moments[send] = taken;
      atMs = taken;
    }
  });
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
