// Card numbers that providers publish for tests must be found in every usual form; what only resembles one must not.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { BursarError } from '../../../src/errors.ts';
import { attemptKey, newId } from '../../../src/ids.ts';
import { findPan, maskPans, refusePan } from '../../../src/money/pan.ts';

/** From the test card pages of Stripe, Adyen, Braintree and PayPal. */
const PUBLISHED = [
  '4242424242424242', // Visa
  '4222222222222', // Visa, 13
  '4000000000000000006', // Visa, 19
  '5555555555554444', // Mastercard
  '2223003122003222', // Mastercard, 2 series
  '378282246310005', // American Express
  '371449635398431', // American Express
  '6011111111111117', // Discover
  '6011000990139424', // Discover
  '3056930009020004', // Diners Club, 16
  '36227206271667', // Diners Club, 14
  '30569309025904', // Diners Club, 14
  '3566002020360505', // JCB
  '6200000000000005', // UnionPay
  '6205500000000000004', // UnionPay, 19
  '6759649826438453', // Maestro
  '6304000000000000', // Maestro
  '6799990100000000019', // Maestro, 19
  '2200000000000004', // Mir
];

describe('findPan', () => {
  it.each(PUBLISHED)('finds %s', (pan) => {
    expect(findPan(pan)).toBe(true);
    expect(findPan(`card: ${pan}, thanks`)).toBe(true);
    expect(findPan(`{"memo":"${pan}"}`)).toBe(true);
    expect(findPan(`cardnumber${pan}x`)).toBe(true);
    expect(findPan(pan.replace(/(.{4})(?=.)/g, '$1 '))).toBe(true);
    expect(findPan(pan.replace(/(.{4})(?=.)/g, '$1-'))).toBe(true);
    expect(findPan([...pan].join(' '))).toBe(true);
    expect(findPan(`${pan.slice(0, -1)}${(Number(pan.slice(-1)) + 1) % 10}`)).toBe(false);
  });

  it.each([
    ['full-width digits', '４２４２４２４２４２４２４２４２'],
    ['mathematical digits', '𝟒𝟐𝟒𝟐𝟒𝟐𝟒𝟐𝟒𝟐𝟒𝟐𝟒𝟐𝟒𝟐'],
    ['no-break spaces', '4242\u00a04242\u00a04242\u00a04242'],
    ['en dashes', '4242–4242–4242–4242'],
    ['zero-width spaces', '4242\u200b4242\u200b4242\u200b4242'],
    ['the American Express grouping', '3782 822463 10005'],
    ['an expiry date after it', '4242 4242 4242 4242 12 29'],
    ['a CVV after it', '4242424242424242 123'],
    ['a date before it', '2027-02-28 4242424242424242'],
    ['the last line of a file', 'a\r\n4242424242424242\r\n'],
  ])('finds one with %s', (_, text) => {
    expect(findPan(text)).toBe(true);
  });

  it.each([
    ['a longer run of digits', '42424242424242424242'],
    ['a run with a number inside', '94242424242424242420'],
    ['double separators', '4242  4242  4242  4242'],
    ['epoch milliseconds', '1803813600000'],
    ['epoch nanoseconds', '1803813600000000000'],
    ['an ISO time', '2027-02-28T09:00:00.000Z'],
    ['a compact time', '20270228T090000123Z'],
    ['times of a file name', '2027-02-28T09-00-00-000Z'],
    ['a list of month ends', '2027-03-30 2027-04-30 2027-05-30 2027-06-30'],
    ['a list of small numbers', '4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2'],
    ['a UUID with digits like a card', '00000000-0000-61b5-8000-00050000000a'],
    ['an unknown issuer', '1000000000000008'],
    ['a length that the issuer does not have', '42424242424242'],
    ['too few digits', '4242424242'],
  ])('leaves %s alone', (_, text) => {
    expect(findPan(text)).toBe(false);
  });

  it('leaves ids, keys and digests alone', () => {
    expect(findPan('ch_01kd2v4111111111111111abcd')).toBe(false);
    for (let index = 0; index < 20_000; index += 1) {
      const id = newId('charge', 1_803_813_600_000 + index);
      const digest = createHash('sha256').update(String(index)).digest('hex');
      expect(findPan(`${id} ${attemptKey('bk', id, 1)} ${digest}`)).toBe(false);
    }
  });

  it('reads a megabyte of digits in no time', () => {
    for (const text of ['4 '.repeat(500_000), '4242 '.repeat(200_000), '4'.repeat(1_000_000)]) {
      const startedMs = performance.now();
      findPan(text);
      expect(performance.now() - startedMs).toBeLessThan(5_000);
    }
  });
});

describe('refusePan', () => {
  it('names the place and never the number', () => {
    const act = (): void => refusePan('--description', 'pay with 4242 4242 4242 4242');
    expect(act).toThrow(BursarError);
    try {
      act();
    } catch (error) {
      if (!(error instanceof BursarError)) throw error;
      expect(error.code).toBe('card_number');
      expect(error.message).toContain('--description holds what looks like a card number');
      expect(`${error.message}${error.hint}${error.stack}`).not.toMatch(/4242/);
    }
  });

  it('lets other text pass', () => {
    expect(() => refusePan('--description', 'order 1234')).not.toThrow();
  });
});

describe('maskPans', () => {
  it.each([
    ['4242424242424242', '************4242'],
    ['card 4242-4242-4242-4242.', 'card ****-****-****-4242.'],
    ['3782 822463 10005 and 4242424242424242', '**** ****** *0005 and ************4242'],
    ['４２４２４２４２４２４２４２４２', '************4242'],
    ['4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 4242424242424242', '* * * * * * * * * * * * 1 1 1 1 ************4242'],
  ])('%s', (text, masked) => {
    expect(maskPans(text)).toBe(masked);
  });

  it('gives other text back as it was', () => {
    const text = 'ﬁne ½ １２ 2027-02-28T09:00:00.000Z';
    expect(maskPans(text)).toBe(text);
  });
});
