// Canonical JSON (RFC 8785): one value has one text, so that a stored request can be resent byte for byte.
import canonicalizeModule from 'canonicalize';
import { assert } from '../errors.ts';

// The package is CommonJS, its types claim an ES default export: the import is the function itself.
const canonicalize = canonicalizeModule as unknown as (value: unknown) => string | undefined;

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** The RFC 8785 text of `value`. */
export function canonicalJson(value: JsonValue): string {
  const text = canonicalize(value);
  assert(text !== undefined, 'a JSON value has a canonical text');
  return text;
}
