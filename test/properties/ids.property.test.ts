// Ids and keys are put together from numbers that a double holds; here they are held against plain 128-bit arithmetic, as
// they have to stay the same for every book that there is.
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { attemptKey, derivedId, idBound, isId, newId, timeOfId } from '../../src/ids.ts';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const timeMs = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const text = fc.string();

it('a derived id is 48 bits of time and 80 of HMAC-SHA-256', () => {
  fc.assert(
    fc.property(timeMs, text, text, text, (ms, key, one, two) => {
      const rest = hmac(key, `${one}\0${two}`) >> 176n;
      expect(derivedId('charge', ms, key, one, two)).toBe(`ch_${plain((BigInt(ms) << 80n) | rest)}`);
    }),
  );
});

it('an idempotency key is the time of its charge and the last 130 bits of HMAC-SHA-256', () => {
  fc.assert(
    fc.property(timeMs, text, fc.integer({ min: 1, max: 99 }), (ms, bookId, number) => {
      const id = newId('charge', ms);
      const digest = hmac(bookId, `${id}\0${number}`) & ((1n << 130n) - 1n);
      expect(attemptKey(bookId, id, number)).toBe(id.slice(3, 13) + plain(digest));
    }),
  );
});

it('new ids of one moment ascend, and tell their time', () => {
  fc.assert(
    fc.property(timeMs, (ms) => {
      const ids = Array.from({ length: 3 }, () => newId('attempt', ms));
      expect(ids).toEqual([...new Set(ids)].sort());
      expect(ids.every((id) => isId('attempt', id) && timeOfId(id) === ms && id >= idBound('attempt', ms))).toBe(true);
      expect(idBound('attempt', ms)).toBe(`att_${plain(BigInt(ms) << 80n)}`);
    }),
  );
});

function hmac(key: string, message: string): bigint {
  return BigInt(`0x${createHmac('sha256', key).update(message).digest('hex')}`);
}

function plain(value: bigint): string {
  return Array.from({ length: 26 }, (_, place) => ALPHABET[Number((value >> BigInt(125 - 5 * place)) & 31n)]).join('');
}
