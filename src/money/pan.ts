// Card numbers never enter a book. This finds them in text from outside, so that input is refused and what a provider
// says is masked. A number counts as one only with a known issuer prefix, that prefix's length, and Luhn's check digit:
// Luhn alone would refuse a tenth of all timestamps.
import { BursarError } from '../errors.ts';

interface IssuerRange {
  /** First and last prefix, of one length. */
  from: string;
  to: string;
  lengths: readonly number[];
}

const upTo19 = (least: number): number[] => Array.from({ length: 20 - least }, (_, index) => least + index);

/**
 * Sources: ISO/IEC 7812-1 (digits, check digit); Wikipedia, "Payment card number", table of issuer identification
 * numbers; github.com/braintree/credit-card-type, src/lib/card-types.ts. Where they differ, the longer list of lengths.
 *
 * Maestro owns 50, 56-58 and what nobody else has of 6. Lengths from 13 are taken for 50, 56-58, 63 and 67, where its
 * cards are; the rest of 6 (which also holds RuPay, Elo and Hipercard) only counts from 16 digits, because order
 * numbers and phone numbers of 13 to 15 digits begin so too. Its 12-digit cards are left out: too many plain numbers.
 * Left out for the same reason: UATP (any 15 digits from 1) and JCB's old 15-digit 1800 and 2131.
 */
const ISSUERS: readonly IssuerRange[] = [
  { from: '4', to: '4', lengths: [13, 16, 19] }, // Visa
  { from: '51', to: '55', lengths: [16] }, // Mastercard
  { from: '2221', to: '2720', lengths: [16] }, // Mastercard
  { from: '34', to: '34', lengths: [15] }, // American Express
  { from: '37', to: '37', lengths: [15] }, // American Express
  { from: '300', to: '305', lengths: upTo19(14) }, // Diners Club
  { from: '36', to: '36', lengths: upTo19(14) }, // Diners Club
  { from: '38', to: '39', lengths: upTo19(14) }, // Diners Club
  { from: '3528', to: '3589', lengths: upTo19(16) }, // JCB
  { from: '2200', to: '2204', lengths: upTo19(16) }, // Mir
  { from: '81', to: '81', lengths: upTo19(16) }, // UnionPay, RuPay
  { from: '82', to: '82', lengths: [16] }, // RuPay
  { from: '9792', to: '9792', lengths: [16] }, // Troy
  { from: '50', to: '50', lengths: upTo19(13) }, // Maestro, Elo, Verve
  { from: '56', to: '58', lengths: upTo19(13) }, // Maestro
  { from: '63', to: '63', lengths: upTo19(13) }, // Maestro
  { from: '67', to: '67', lengths: upTo19(13) }, // Maestro
  { from: '6', to: '6', lengths: upTo19(16) }, // Discover, UnionPay, Maestro, RuPay
];

const LEAST_DIGITS = 13;
const MOST_DIGITS = 19;

/** What may stand between groups of digits: a space, a dash (hyphen to horizontal bar, minus), or zero width. */
const SEPARATOR = '[ \\-\\u2010-\\u2015\\u2212\\u00ad\\u200b-\\u200d\\u2060\\ufeff]';
/** Groups of digits with single separators between. */
const SEPARATED_DIGITS = new RegExp(`[0-9]+(?:${SEPARATOR}[0-9]+)*`, 'g');
/** As many of them as the shortest card number has: most text has none, and is through with one look. */
const ENOUGH_DIGITS = new RegExp(`[0-9](?:${SEPARATOR}?[0-9]){${LEAST_DIGITS - 1}}`);

/** A mixed word of this many letters and digits is an id, a key or a digest: chance makes card numbers in those. */
const ID_WORD_LENGTH = 24;

/** RFC 9562: groups of 8-4-4-4-12, as no card has them, though some of these in a row may look like one. */
const UUID = /(?<![a-z0-9])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![a-z0-9])/gi;

interface Span {
  start: number;
  end: number;
}

/** Whether `text` holds a card number. */
export function findPan(text: string): boolean {
  return nextPan(normalise(text)) !== null;
}

/** Refuses (BursarError `card_number`) text that holds a card number, without repeating it. `where` opens the message. */
export function refusePan(where: string, text: string): void {
  if (!findPan(text)) return;
  throw new BursarError('card_number', `${where} holds what looks like a card number. Nothing was stored or sent.`, {
    hint: "Leave the number out; a payment method is named by the gateway's token for it.",
  });
}

/** `text` with every card number's digits but the last four replaced by `*`; text without one comes back as it was. */
export function maskPans(text: string): string {
  let masked = normalise(text);
  let span = nextPan(masked);
  if (span === null) return text;
  while (span !== null) {
    const kept = span.end - lengthOfLastFour(masked.slice(span.start, span.end));
    masked = masked.slice(0, span.start) + masked.slice(span.start, kept).replace(/[0-9]/g, '*') + masked.slice(kept);
    // From the top again: with this number gone, what stood on either side of it may read as another.
    span = nextPan(masked);
  }
  return masked;
}

/** NFKC turns full-width and other styled digits and spaces into plain ones; plain text is the usual case and is free. */
function normalise(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : text.normalize('NFKC');
}

function nextPan(unfiltered: string): Span | null {
  if (!ENOUGH_DIGITS.test(unfiltered)) return null;
  const text = unfiltered.replace(UUID, (uuid) => '_'.repeat(uuid.length));
  for (const match of text.matchAll(SEPARATED_DIGITS)) {
    if (match[0].length < LEAST_DIGITS) continue;
    const groups = [...match[0].matchAll(/[0-9]+/g)].map(({ 0: digits, index }) => ({
      start: match.index + index,
      end: match.index + index + digits.length,
    }));
    const found = panAmong(text, groups);
    if (found !== null) return found;
  }
  return null;
}

/**
 * A number is made of whole groups, so digits inside a longer run never count. All the groups together may be cut in
 * any way; where more numbers stand beside it (an expiry date, a list), only groups as cards have them are tried: of
 * four or more, the last one free. Any cut would find card numbers in lists of dates.
 */
function panAmong(text: string, groups: readonly Span[]): Span | null {
  for (let first = 0; first < groups.length; first += 1) {
    let digits = '';
    for (let last = first; last < groups.length; last += 1) {
      const opening = groups[first];
      const group = groups[last];
      if (opening === undefined || group === undefined || digits.length + group.end - group.start > MOST_DIGITS) break;
      digits += text.slice(group.start, group.end);
      const isWhole = first === 0 && last === groups.length - 1;
      const isCardLike = groups.slice(first, last).every((each) => each.end - each.start >= 4);
      if ((isWhole || isCardLike) && isCardNumber(digits) && !isInsideId(text, opening) && !isInsideId(text, group)) {
        return { start: opening.start, end: group.end };
      }
    }
  }
  return null;
}

function isCardNumber(digits: string): boolean {
  if (digits.length < LEAST_DIGITS || digits.length > MOST_DIGITS) return false;
  const isIssued = ISSUERS.some(({ from, to, lengths }) => {
    const prefix = digits.slice(0, from.length);
    return prefix >= from && prefix <= to && lengths.includes(digits.length);
  });
  return isIssued && hasLuhnDigit(digits);
}

/** ISO/IEC 7812-1, annex B. */
function hasLuhnDigit(digits: string): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index += 1) {
    const digit = digits.charCodeAt(digits.length - 1 - index) - 48;
    const weighted = index % 2 === 0 ? digit : digit * 2;
    sum += weighted > 9 ? weighted - 9 : weighted;
  }
  return sum % 10 === 0;
}

/**
 * Whether the run of digits is a stretch of an id: of a long word that has letters and, outside the run, digits too.
 * `cardnumber4111…` is none, since all its digits are the run.
 */
function isInsideId(text: string, run: Span): boolean {
  let start = run.start;
  let end = run.end;
  while (start > 0 && run.start - start < ID_WORD_LENGTH && /[a-z0-9]/i.test(text.charAt(start - 1))) start -= 1;
  while (end < text.length && end - run.end < ID_WORD_LENGTH && /[a-z0-9]/i.test(text.charAt(end))) end += 1;
  const rest = text.slice(start, run.start) + text.slice(run.end, end);
  return end - start >= ID_WORD_LENGTH && /[0-9]/.test(rest);
}

/** Characters from the fourth digit before the end to the end. */
function lengthOfLastFour(number: string): number {
  return /(?:[0-9][^0-9]*){4}$/.exec(number)?.[0].length ?? 0;
}
