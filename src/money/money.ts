// Money is a bigint of minor units beside an ISO 4217 code, never a float. This is the only place where text becomes an
// amount and an amount becomes text; what goes to SQL is an integer that every driver carries exactly.
import { assert, BursarError } from '../errors.ts';
import { exponentOf, parseCurrency } from './currency.ts';

/** The largest amount that is taken: far above any charge, and below 2^53, so that SQL drivers carry it exactly. */
export const MAX_MINOR = 10n ** 15n;

export interface MoneyLimit {
  currency: string;
  amountMinor: bigint;
}

/**
 * Minor units of decimal text such as `12.50` in `currency` (an upper-case code). Refuses all but plain digits with at
 * most the currency's decimals, zero, and what is above MAX_MINOR: BursarError(`invalid_amount`).
 */
export function parseAmount(text: string, currency: string): bigint {
  const minor = parseDecimal(text, currency);
  if (minor === 0n) throw refusal(text, currency, 'is zero; an amount is above zero', null);
  return minor;
}

/** `USD=5000.00` as a limit; zero is allowed and means none at all. BursarError(`invalid_amount`, `invalid_currency`). */
export function parseMoneyLimit(text: string): MoneyLimit {
  const at = text.indexOf('=');
  if (at < 0) {
    throw new BursarError('invalid_amount', `"${quotable(text)}" is not a limit in one currency.`, {
      hint: 'Write it as USD=5000.00.',
    });
  }
  const currency = parseCurrency(text.slice(0, at));
  return { currency, amountMinor: parseDecimal(text.slice(at + 1), currency) };
}

/** Decimal text of minor units, with exactly the currency's decimals: `12.50`, `1250` (JPY), `-0.05`. */
export function formatAmount(minor: bigint, currency: string): string {
  const exponent = exponentOf(currency);
  const digits = (minor < 0n ? -minor : minor).toString().padStart(exponent + 1, '0');
  const sign = minor < 0n ? '-' : '';
  if (exponent === 0) return sign + digits;
  return `${sign}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

/** `12.50 USD`. */
export function formatMoney(minor: bigint, currency: string): string {
  return `${formatAmount(minor, currency)} ${currency}`;
}

/** Asserts what holds of every stored amount: 0 <= minor <= MAX_MINOR. */
export function assertMinor(minor: bigint): void {
  assert(typeof minor === 'bigint', 'an amount is a bigint of minor units');
  assert(minor >= 0n && minor <= MAX_MINOR, `amount out of range: ${minor}`);
}

/** Minor units as the integer that goes into SQL. Sums and differences may be negative or above MAX_MINOR. */
export function toSqlInteger(minor: bigint): number {
  const value = Number(minor);
  assert(Number.isSafeInteger(value), `not exact as an SQL integer: ${minor}`);
  return value;
}

/** Minor units out of SQL: SQLite gives a number, PostgreSQL (and every sum read as text) a string. */
export function fromSqlInteger(value: number | string): bigint {
  if (typeof value === 'number') assert(Number.isSafeInteger(value), `not an exact integer: ${value}`);
  else assert(/^-?[0-9]+$/.test(value), `not an integer: ${quotable(value)}`);
  return BigInt(value);
}

function parseDecimal(text: string, currency: string): bigint {
  const exponent = exponentOf(currency);
  const match = /^(0|[1-9][0-9]*)(?:\.([0-9]+))?$/.exec(text);
  if (match === null) throw refusal(text, currency, 'is not an amount', formHint(text));
  const whole = match[1] ?? '';
  const fraction = match[2] ?? '';
  if (fraction.length > exponent) {
    throw refusal(text, currency, `has ${fraction.length} ${plural(fraction.length)}`, null);
  }
  // The length is checked first, because a bigint of a million digits takes seconds to make.
  const minor = whole.length > 16 ? MAX_MINOR + 1n : BigInt(whole + fraction.padEnd(exponent, '0'));
  if (minor > MAX_MINOR) {
    throw refusal(text, currency, `is above the largest amount taken, ${formatMoney(MAX_MINOR, currency)}`, null);
  }
  return minor;
}

function refusal(text: string, currency: string, fault: string, hint: string | null): BursarError {
  const exponent = exponentOf(currency);
  const accepted =
    exponent === 0
      ? `${currency} has no decimals: give a whole number, such as 1250.`
      : `${currency} has ${exponent} decimals: give digits, with at most ${exponent} of them after a point, such as 12.${'5'.padEnd(exponent, '0')}.`;
  return new BursarError('invalid_amount', `"${quotable(text)}" ${fault}. ${accepted}`, hint === null ? {} : { hint });
}

/** What most likely went wrong with text that is no decimal number, or null. */
function formHint(text: string): string | null {
  if (text.startsWith('-')) return 'An amount is never negative: to give money back, use a refund.';
  if (/^[0-9]{1,3}(?:[,' _][0-9]{3})+(?:\.[0-9]+)?$/.test(text)) return 'Leave out the thousands separators.';
  if (/^[0-9]+,[0-9]+$/.test(text)) return 'Put a point before the decimals, not a comma.';
  if (/^0[0-9]/.test(text)) return 'Leave out the leading zeros; minor units are not taken here.';
  if (/^\.[0-9]+$/.test(text)) return `Write a zero before the point: 0${quotable(text)}.`;
  if (/[a-z$€£¥]/i.test(text)) return 'Give the number alone; the currency has its own flag.';
  return null;
}

function plural(decimals: number): string {
  return decimals === 1 ? 'decimal' : 'decimals';
}

/** The first 40 characters without control and format characters, so that a message can't drive a terminal. */
function quotable(text: string): string {
  return [...text.slice(0, 200).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '')].slice(0, 40).join('');
}
