// Amounts survive being written and read in every currency, and are added without loss.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BursarError } from '../../src/errors.ts';
import { currencyCodes, exponentOf } from '../../src/money/currency.ts';
import { formatAmount, fromSqlInteger, MAX_MINOR, parseAmount, toSqlInteger } from '../../src/money/money.ts';

const amount = fc.bigInt({ min: 1n, max: MAX_MINOR });

describe('money', () => {
  it.each(currencyCodes())('%s: what is formatted is parsed back', (currency) => {
    fc.assert(
      fc.property(amount, (minor) => {
        const text = formatAmount(minor, currency);
        expect(parseAmount(text, currency)).toBe(minor);
        expect(text.split('.')[1]?.length ?? 0).toBe(exponentOf(currency));
      }),
      { numRuns: 50, examples: [[1n], [MAX_MINOR], [9n], [10n], [99n], [100n]] },
    );
  });

  it('what is parsed is formatted back, but for the zeros that complete the decimals', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat({ max: 99 }), (whole, cents) => {
        const text = `${whole}.${String(cents).padStart(2, '0')}`;
        fc.pre(whole + cents > 0);
        expect(formatAmount(parseAmount(text, 'USD'), 'USD')).toBe(text);
      }),
    );
  });

  it('adds as whole numbers do, where floats would not', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: 1n, max: 10n ** 13n }), { minLength: 1, maxLength: 50 }), (amounts) => {
        const sum = amounts.reduce((total, minor) => total + parseAmount(formatAmount(minor, 'KWD'), 'KWD'), 0n);
        expect(sum).toBe(amounts.reduce((total, minor) => total + minor, 0n));
        expect(formatAmount(-sum, 'KWD')).toBe(`-${formatAmount(sum, 'KWD')}`);
      }),
    );
  });

  it('goes through SQL unchanged', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -MAX_MINOR, max: MAX_MINOR }), (minor) => {
        expect(fromSqlInteger(toSqlInteger(minor))).toBe(minor);
        expect(fromSqlInteger(minor.toString())).toBe(minor);
      }),
    );
  });

  it('gives an amount in range or a refusal for any text', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[-+]?[0-9.,e ]{0,24}$/));
    fc.assert(
      fc.property(text, fc.constantFrom('USD', 'JPY', 'KWD', 'CLF'), (written, currency) => {
        try {
          const minor = parseAmount(written, currency);
          expect(minor > 0n && minor <= MAX_MINOR).toBe(true);
          expect(written).toMatch(/^[0-9]+(\.[0-9]+)?$/);
        } catch (error) {
          expect(error).toBeInstanceOf(BursarError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
