// Ids: a prefix, then 26 characters of Crockford base32 that begin with 48 bits of time, so that every index on them
// grows at its end. A derived id takes its last 80 bits from an HMAC instead of chance, so that a restored book derives
// the same one. The layout of the 128 bits is ULID's (https://github.com/ulid/spec), in lower case.
import { createHmac, randomBytes } from 'node:crypto';
import { assert } from './errors.ts';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
export const ID_LENGTH = 26;

/** Every kind of id and what it names, so that a wrong kind is told apart from a wrong id. */
export const ID_PREFIXES = {
  book: 'bk',
  customer: 'cus',
  method: 'pm',
  charge: 'ch',
  attempt: 'att',
  refund: 're',
  schedule: 'sch',
  run: 'run',
  entry: 'je',
  event: 'evt',
  audit: 'au',
  owner: 'own',
} as const;

export type IdKind = keyof typeof ID_PREFIXES;

let lastTimeMs = 0;
let lastTime = '';
// The 80 bits behind the time, as two halves that a number holds exactly.
let lastHigh = 0;
let lastLow = 0;

const HALF_BITS = 2 ** 40;

/** A new id. Ids made by one process in the same millisecond ascend in the order they were made. */
export function newId(kind: IdKind, timeMs: number): string {
  if (timeMs === lastTimeMs) {
    lastLow += 1;
    if (lastLow === HALF_BITS) {
      lastLow = 0;
      lastHigh += 1;
      assert(lastHigh < HALF_BITS, 'ids of one millisecond ran out');
    }
  } else {
    lastTimeMs = timeMs;
    lastTime = encodeTime(timeMs);
    const random = randomBytes(10);
    // The top bit stays clear, so that counting up from here can't overflow within a millisecond.
    lastHigh = random.readUIntBE(0, 5) % (HALF_BITS / 2);
    lastLow = random.readUIntBE(5, 5);
  }
  return `${ID_PREFIXES[kind]}_${lastTime}${encode40(lastHigh)}${encode40(lastLow)}`;
}

/** The id that `key` and `parts` always give: `timeMs` in its first 48 bits, 80 bits of HMAC-SHA-256 after. */
export function derivedId(kind: IdKind, timeMs: number, key: string, ...parts: string[]): string {
  assert(timeMs >= 0 && timeMs < 2 ** 48, `time of a derived id is out of range: ${timeMs}`);
  const digest = createHmac('sha256', key).update(parts.join('\0')).digest();
  const rest = encode40(digest.readUIntBE(0, 5)) + encode40(digest.readUIntBE(5, 5));
  return `${ID_PREFIXES[kind]}_${encodeTime(timeMs)}${rest}`;
}

/** The id of `kind` with the same 26 characters as `id`: for rows that exist at most once per other row. */
export function siblingId(kind: IdKind, id: string): string {
  return `${ID_PREFIXES[kind]}_${body(id)}`;
}

/**
 * The idempotency key of an attempt: the charge's time prefix, then 130 bits of HMAC over charge and number, keyed by
 * the book's id. 36 characters, under the 45 that the strictest provider takes (Square, `idempotency_key`).
 */
export function attemptKey(bookId: string, chargeId: string, attemptNumber: number): string {
  const digest = createHmac('sha256', bookId).update(`${chargeId}\0${attemptNumber}`).digest();
  // The last 130 bits: the ten that 26 characters have beside three times forty, then those.
  let text = PAIRS[digest.readUInt16BE(15) % 1024] as string;
  for (let at = 17; at < digest.length; at += 5) text += encode40(digest.readUIntBE(at, 5));
  return body(chargeId).slice(0, 10) + text;
}

/** The time that an id begins with, epoch milliseconds: when the row was made, or the due time of a period's charge. */
export function timeOfId(id: string): number {
  // 48 bits of time are the last of the 50 that ten characters hold.
  return [...body(id).slice(0, 10)].reduce((timeMs, letter) => timeMs * 32 + ALPHABET.indexOf(letter), 0);
}

/** What every id of `kind` made at `timeMs` or later sorts behind, so that an index on ids serves ranges of time. */
export function idBound(kind: IdKind, timeMs: number): string {
  return `${ID_PREFIXES[kind]}_${encodeTime(Math.max(0, timeMs))}${'0'.repeat(16)}`;
}

export function isId(kind: IdKind, text: string): boolean {
  const prefix = ID_PREFIXES[kind];
  return text.startsWith(prefix) && text[prefix.length] === '_' && ID_BODY.test(text.slice(prefix.length + 1));
}

const ID_BODY = new RegExp(`^[0-7][${ALPHABET}]{25}$`);

function body(id: string): string {
  const at = id.indexOf('_');
  assert(at > 0 && id.length === at + 1 + ID_LENGTH, `not an id: ${id}`);
  return id.slice(at + 1);
}

/** Every two characters, by the ten bits that they stand for. */
const PAIRS: readonly string[] = Array.from(
  { length: 1024 },
  (_, bits) => (ALPHABET[bits >> 5] as string) + (ALPHABET[bits & 31] as string),
);

/** 48 bits of time as ten characters, which hold 50. */
function encodeTime(timeMs: number): string {
  return (PAIRS[Math.floor(timeMs / HALF_BITS)] as string) + encode40(timeMs % HALF_BITS);
}

/** 40 bits as eight characters. */
function encode40(value: number): string {
  const high = Math.floor(value / 2 ** 20);
  const low = value % 2 ** 20;
  return (
    (PAIRS[high >> 10] as string) +
    (PAIRS[high & 1023] as string) +
    (PAIRS[low >> 10] as string) +
    (PAIRS[low & 1023] as string)
  );
}
