// What is taken as an amount, what is refused and in which words, and what goes to SQL and back.
import { describe, expect, it } from 'vitest';
import { BursarError } from '../../../src/errors.ts';
import {
  assertMinor,
  formatAmount,
  formatMoney,
  fromSqlInteger,
  MAX_MINOR,
  parseAmount,
  parseMoneyLimit,
  toSqlInteger,
} from '../../../src/money/money.ts';

function refusalOf(act: () => unknown): BursarError {
  try {
    act();
  } catch (error) {
    if (error instanceof BursarError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('parseAmount', () => {
  it.each([
    ['12.50', 'USD', 1250n],
    ['12.5', 'USD', 1250n],
    ['12', 'USD', 1200n],
    ['0.01', 'USD', 1n],
    ['1250', 'JPY', 1250n],
    ['1.234', 'KWD', 1234n],
    ['1.2345', 'CLF', 12345n],
    ['10000000000000.00', 'USD', MAX_MINOR],
    ['1000000000000000', 'JPY', MAX_MINOR],
  ])('%s %s', (text, currency, minor) => {
    expect(parseAmount(text, currency)).toBe(minor);
  });

  it.each([
    '',
    ' ',
    '.5',
    '5.',
    '.',
    '-1',
    '+1',
    '0',
    '0.00',
    '1,000',
    '1,000.00',
    '1.000,00',
    '12,50',
    "1'000",
    '1_000',
    '1 000',
    ' 12',
    '12 ',
    '12\n',
    '1e3',
    '1E3',
    '0x10',
    'NaN',
    'Infinity',
    '$12',
    '12 USD',
    '12.505',
    '12.500',
    '1.2.3',
    '007',
    '१२',
    '１２',
    '10000000000000.01',
    '9'.repeat(1_000_000),
    '\u0000',
    '1\u0000',
  ])('refuses %j in USD', (text) => {
    expect(refusalOf(() => parseAmount(text, 'USD')).code).toBe('invalid_amount');
  });

  it("names the currency's decimals", () => {
    expect(refusalOf(() => parseAmount('12.505', 'USD')).message).toBe(
      '"12.505" has 3 decimals. USD has 2 decimals: give digits, with at most 2 of them after a point, such as 12.50.',
    );
    expect(refusalOf(() => parseAmount('12.0', 'JPY')).message).toBe(
      '"12.0" has 1 decimal. JPY has no decimals: give a whole number, such as 1250.',
    );
    expect(refusalOf(() => parseAmount('x', 'KWD')).message).toContain('such as 12.500.');
  });

  it.each([
    ['1,000.00', 'thousands'],
    ['12,50', 'point'],
    ['-5', 'refund'],
    ['.5', '0.5'],
    ['00012', 'leading zeros'],
    ['12 EUR', 'alone'],
  ])('hints at what is wrong with %s', (text, word) => {
    expect(refusalOf(() => parseAmount(text, 'USD')).hint).toContain(word);
  });

  it('quotes at most 40 characters and none that drive a terminal', () => {
    const { message } = refusalOf(() => parseAmount(`\u001b]0;x\u0007\u202e${'7'.repeat(100)}!`, 'USD'));
    expect(message).toMatch(/^"\]0;x7{36}" is not an amount\./);
  });

  it('refuses a currency that is none', () => {
    expect(refusalOf(() => parseAmount('1', 'XAU')).code).toBe('invalid_currency');
  });
});

describe('formatAmount and formatMoney', () => {
  it.each([
    [1250n, 'USD', '12.50 USD'],
    [5n, 'USD', '0.05 USD'],
    [0n, 'USD', '0.00 USD'],
    [-5n, 'USD', '-0.05 USD'],
    [1250n, 'JPY', '1250 JPY'],
    [0n, 'JPY', '0 JPY'],
    [1n, 'KWD', '0.001 KWD'],
    [10n ** 30n, 'CLF', `1${'0'.repeat(26)}.0000 CLF`],
  ])('%d %s is %s', (minor, currency, text) => {
    expect(formatMoney(minor, currency)).toBe(text);
    expect(`${formatAmount(minor, currency)} ${currency}`).toBe(text);
  });
});

describe('parseMoneyLimit', () => {
  it('takes a currency and an amount, zero included', () => {
    expect(parseMoneyLimit('USD=5000.00')).toEqual({ currency: 'USD', amountMinor: 500_000n });
    expect(parseMoneyLimit('jpy=0')).toEqual({ currency: 'JPY', amountMinor: 0n });
  });

  it.each([
    ['USD', 'invalid_amount'],
    ['5000', 'invalid_amount'],
    ['USD=', 'invalid_amount'],
    ['USD=-1', 'invalid_amount'],
    ['USD=1=2', 'invalid_amount'],
    ['=5', 'invalid_currency'],
    ['ABC=5', 'invalid_currency'],
    ['USD =5', 'invalid_currency'],
  ])('refuses %s', (text, code) => {
    expect(refusalOf(() => parseMoneyLimit(text)).code).toBe(code);
  });
});

describe('amounts in SQL', () => {
  it('go out as exact integers and come back from numbers and text', () => {
    expect(toSqlInteger(MAX_MINOR)).toBe(1e15);
    expect(fromSqlInteger(1e15)).toBe(MAX_MINOR);
    expect(fromSqlInteger('-123456789012345678901234567890')).toBe(-123456789012345678901234567890n);
  });

  it.each([2n ** 53n, -(2n ** 53n)])('%d never becomes a rounded number', (minor) => {
    expect(() => toSqlInteger(minor)).toThrow(/assertion failed/);
  });

  it.each([2 ** 53, 0.5, Number.NaN, '1.0', '', '1e3', ' 1'])('%j is no stored amount', (value) => {
    expect(() => fromSqlInteger(value)).toThrow(/assertion failed/);
  });

  it('assertMinor holds amounts to their range', () => {
    expect(() => assertMinor(0n)).not.toThrow();
    expect(() => assertMinor(MAX_MINOR)).not.toThrow();
    expect(() => assertMinor(-1n)).toThrow(/out of range/);
    expect(() => assertMinor(MAX_MINOR + 1n)).toThrow(/out of range/);
  });
});
