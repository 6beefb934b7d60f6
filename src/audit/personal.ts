// Personal fields in the audit log are encrypted with a key per customer: destroying the key forgets the person, while
// the hashes over the encrypted text still hold. AES-256-GCM (NIST SP 800-38D), a random 96-bit nonce per field.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const PREFIX = 'aes256gcm:';

/** 256 random bits in base64. */
export function newPersonalKey(): string {
  return keys.next().toString('base64');
}

/** `aes256gcm:` and base64 of nonce, tag and ciphertext; `null` stays `null`. */
export function encryptPersonal(keyBase64: string, text: string | null): string | null {
  if (text === null) return null;
  const nonce = nonces.next();
  const cipher = createCipheriv('aes-256-gcm', Buffer.from(keyBase64, 'base64'), nonce);
  const sealed = cipher.update(text, 'utf8');
  // A stream cipher keeps nothing back; this only ends the tag.
  cipher.final();
  return PREFIX + Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64');
}

/** Random bytes, drawn a few hundred pieces at a time, each used once: a call for each takes 13 µs on a busy machine. */
class RandomPieces {
  readonly #bytes: number;
  #rest: Buffer = Buffer.alloc(0);

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  next(): Buffer {
    if (this.#rest.length === 0) this.#rest = randomBytes(this.#bytes * 256);
    const piece = this.#rest.subarray(0, this.#bytes);
    this.#rest = this.#rest.subarray(this.#bytes);
    return piece;
  }
}

const keys = new RandomPieces(32);
const nonces = new RandomPieces(12);

/** The text again; throws when the key is not the one it was encrypted with. */
export function decryptPersonal(keyBase64: string, sealed: string): string {
  const bytes = Buffer.from(sealed.slice(PREFIX.length), 'base64');
  const decipher = createDecipheriv('aes-256-gcm', Buffer.from(keyBase64, 'base64'), bytes.subarray(0, 12));
  decipher.setAuthTag(bytes.subarray(12, 28));
  return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
}
