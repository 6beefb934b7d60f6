import { describe, expect, it } from 'vitest';
import { exceeded } from '../../../src/billing/limits.ts';
import { addTotals } from '../../../src/billing/run.ts';

const due = [
  { currency: 'EUR', count: 2, amountMinor: 1000n },
  { currency: 'USD', count: 3, amountMinor: 5000n },
];

describe('safety limits', () => {
  it('lets a run through that stays within them', () => {
    expect(exceeded({ maxCount: null, maxAmount: new Map() }, due)).toBeNull();
    expect(
      exceeded(
        {
          maxCount: 5,
          maxAmount: new Map([
            ['USD', 5000n],
            ['EUR', 1000n],
          ]),
        },
        due,
      ),
    ).toBeNull();
  });

  it('stops at one charge or one minor unit more', () => {
    expect(exceeded({ maxCount: 4, maxAmount: new Map() }, due)?.stoppedBy).toBe('max_count');
    const over = exceeded(
      {
        maxCount: null,
        maxAmount: new Map([
          ['USD', 4999n],
          ['EUR', 1000n],
        ]),
      },
      due,
    );
    expect(over?.stoppedBy).toBe('max_amount');
    expect(over?.error.exitCode).toBe(8);
    expect(over?.error.message).toContain('50.00 USD');
  });

  it('limits a currency that is not named to 0 where any is', () => {
    expect(exceeded({ maxCount: null, maxAmount: new Map([['USD', 5000n]]) }, due)?.error.message).toContain('EUR');
  });

  it('adds totals per currency', () => {
    expect(addTotals([...due, { currency: 'USD', count: 1, amountMinor: 1n }])).toEqual([
      { currency: 'EUR', count: 2, amountMinor: 1000n },
      { currency: 'USD', count: 4, amountMinor: 5001n },
    ]);
  });
});
