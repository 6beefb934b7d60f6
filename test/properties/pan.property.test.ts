// Generated card numbers are found however they are spaced; timestamps and ids never are.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attemptKey, derivedId } from '../../src/ids.ts';
import { findPan, maskPans } from '../../src/money/pan.ts';

/** Prefixes and one of their lengths, written apart from the table under test. */
const ISSUED: readonly (readonly [string, number])[] = [
  ['4', 13],
  ['4', 16],
  ['4', 19],
  ['51', 16],
  ['55', 16],
  ['2221', 16],
  ['2720', 16],
  ['34', 15],
  ['37', 15],
  ['6011', 16],
  ['6011', 19],
  ['644', 17],
  ['649', 16],
  ['65', 18],
  ['300', 14],
  ['305', 16],
  ['36', 14],
  ['38', 19],
  ['39', 15],
  ['3528', 16],
  ['3589', 19],
  ['62', 16],
  ['62', 19],
  ['50', 16],
  ['5018', 13],
  ['56', 18],
  ['58', 19],
  ['6304', 13],
  ['6759', 16],
  ['67', 19],
];

function withCheckDigit(digits: string): string {
  for (let check = 0; check <= 9; check += 1) {
    const number = `${digits}${check}`;
    const sum = [...number].reverse().reduce((total, digit, index) => {
      const doubled = Number(digit) * (1 + (index % 2));
      return total + Math.floor(doubled / 10) + (doubled % 10);
    }, 0);
    if (sum % 10 === 0) return number;
  }
  throw new Error('no check digit');
}

const pan = fc.constantFrom(...ISSUED).chain(([prefix, length]) =>
  fc
    .array(fc.integer({ min: 0, max: 9 }), {
      minLength: length - prefix.length - 1,
      maxLength: length - prefix.length - 1,
    })
    .map((digits) => withCheckDigit(prefix + digits.join(''))),
);

const spacedPan = fc
  .tuple(pan, fc.array(fc.constantFrom('', '', ' ', '-'), { minLength: 18, maxLength: 18 }))
  .map(([number, gaps]) =>
    [...number].map((digit, index) => (index === 0 ? digit : `${gaps[index - 1] ?? ''}${digit}`)).join(''),
  );

const fullWidth = (text: string): string =>
  text.replace(/[0-9]/g, (digit) => String.fromCharCode(digit.charCodeAt(0) + 0xfee0));

const aroundText = fc.constantFrom('', 'memo: ', '"', '(', 'pay\n', 'card=', 'é ');

describe('card numbers', () => {
  it('are found in any spacing and any script of digits', () => {
    fc.assert(
      fc.property(spacedPan, aroundText, aroundText, (number, before, after) => {
        expect(findPan(`${before}${number}${after}`)).toBe(true);
        expect(findPan(`${before}${fullWidth(number)}${after}`)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('are not found with a digit changed', () => {
    fc.assert(
      fc.property(pan, fc.nat({ max: 12 }), fc.integer({ min: 1, max: 9 }), (number, index, by) => {
        const changed = number.slice(0, index) + ((Number(number[index]) + by) % 10) + number.slice(index + 1);
        expect(findPan(changed)).toBe(false);
      }),
    );
  });

  it('are not found inside a run of 20 digits and more', () => {
    fc.assert(
      fc.property(pan, fc.stringMatching(/^[0-9]{7,20}$/), fc.boolean(), (number, more, isBefore) => {
        expect(findPan(isBefore ? more + number : number + more)).toBe(false);
      }),
    );
  });

  it('are masked but for the last four, wherever they stand', () => {
    const words = fc.array(fc.oneof(spacedPan, fc.string(), fc.constantFrom('12 29', '123', '2027-02-28')), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(words, (parts) => {
        const text = parts.join(' ');
        const masked = maskPans(text);
        expect(findPan(masked)).toBe(false);
        expect(masked !== text).toBe(findPan(text));
        expect(maskPans(masked)).toBe(masked);
      }),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(pan, (number) => {
        expect(maskPans(number)).toBe('*'.repeat(number.length - 4) + number.slice(-4));
      }),
    );
  });
});

describe('what is no card number', () => {
  it('times', () => {
    const instants = fc.integer({ min: Date.UTC(2000), max: Date.UTC(2033) });
    fc.assert(
      fc.property(instants, (ms) => {
        const iso = new Date(ms).toISOString();
        const written = [
          iso,
          iso.replace(/[:.]/g, '-'),
          iso.replace(/[-:.]/g, ''),
          iso.replace('T', ' '),
          String(ms),
          `${ms}000`,
          `${ms}000000`,
        ];
        for (const text of [...written, written.join(', '), `${iso.slice(0, 10)} ${iso.slice(0, 10)}`])
          expect(findPan(text), text).toBe(false);
      }),
      { numRuns: 5000 },
    );
  });

  it('our own ids and keys', () => {
    fc.assert(
      fc.property(fc.integer({ min: Date.UTC(2020), max: Date.UTC(2100) }), fc.uuid(), (ms, part) => {
        const id = derivedId('charge', ms, 'key', part);
        for (const text of [id, attemptKey('bk', id, 1), part]) expect(findPan(text), text).toBe(false);
      }),
      { numRuns: 5000 },
    );
  });
});
