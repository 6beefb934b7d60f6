// The manifest beside an export: what the file holds, and the proof that its rows are what was sealed. Together with the
// file it is all that a verification needs. A verification covers all of it but `file` and `exportedAt`, which only say
// what the file was called and when it was written.
import { z } from 'zod';
import { faultAt, schemaWords } from '../config/schema-words.ts';
import { BursarError } from '../errors.ts';

export const MANIFEST_SCHEMA = 'bursar.audit-manifest/1';

const hex = z.string().regex(/^[0-9a-f]{64}$/, 'is not a SHA-256 hash');
const time = z.iso.datetime({ precision: 3 });
const count = z.int().min(0);
const minor = z.string().regex(/^-?\d{1,30}$/, 'is not an amount in minor units');

const seal = z.strictObject({
  /** Its place in the chain, from 1. */
  sequence: z.int().min(1),
  /** 64 zeros for the first seal of a book. */
  previousSealHash: hex,
  root: hex,
  /** How many rows it holds in all. */
  count: z.int().min(1),
  sealedAt: time,
  sealHash: hex,
  /** How many of them are in the file. */
  rows: count,
  /** The multiproof of those rows (multiproof.ts); empty when all are in the file, absent when none is. */
  proof: z.array(hex).optional(),
});

const total = z.strictObject({
  currency: z.string(),
  capturedCount: count,
  capturedMinor: minor,
  refundedCount: count,
  refundedMinor: minor,
  duplicateCount: count,
  duplicateMinor: minor,
});

const head = z.strictObject({
  sequence: z.int().min(1),
  sealHash: hex,
  root: hex,
  count: z.int().min(1),
  sealedAt: time,
});

const filters = z.strictObject({
  since: time.nullable(),
  until: time.nullable(),
  customer: z.string().nullable(),
  gateway: z.string().nullable(),
  status: z.string().nullable(),
  kind: z.string().nullable(),
});

const manifest = z.strictObject({
  schema: z.literal(MANIFEST_SCHEMA),
  /** The exported file's own name; null for an export to stdout. */
  file: z.string().nullable(),
  format: z.enum(['csv', 'ndjson']),
  columns: z.array(z.string()),
  /** Each hashed field and the column that holds it. */
  hashedFields: z.record(z.string(), z.string()),
  filters,
  rows: count,
  totals: z.array(total),
  /** Of the whole file. */
  sha256: hex,
  bytes: count,
  exportedAt: time,
  /** The newest seal when the export began; null for a book without seals. */
  head: head.nullable(),
  /** Every seal from the first that holds an exported row to the head, so that the chain can be recomputed. */
  seals: z.array(seal),
});

export type Manifest = z.infer<typeof manifest>;
export type ManifestSeal = z.infer<typeof seal>;
export type ManifestFilters = z.infer<typeof filters>;

/** The manifest in `text`. BursarError(`corrupt_file`) for anything else; `name` is for the message. */
export function parseManifest(text: string, name: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw corrupt(name, 'it is not JSON', cause);
  }
  const parsed = manifest.safeParse(value, { error: schemaWords });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw corrupt(
    name,
    issue === undefined ? 'unknown' : faultAt(issue.path.join('.') || 'the top level', issue.message),
  );
}

function corrupt(name: string, what: string, cause?: unknown): BursarError {
  return new BursarError(
    'corrupt_file',
    `${name} is not a manifest of an audit export (${what}). Nothing was verified.`,
    {
      hint: 'Take the export and its manifest from a copy you trust, or name the manifest with --manifest.',
      cause,
    },
  );
}

/** The manifest as text, piece by piece: one seal a line, however many there are. */
export async function* manifestText(
  { seals: _, ...fields }: Omit<Manifest, 'seals'> & { seals?: never },
  seals: AsyncIterable<ManifestSeal>,
): AsyncGenerator<string> {
  const head = JSON.stringify(fields, null, 2);
  yield `${head.slice(0, -'\n}'.length)},\n  "seals": [`;
  let separator = '\n';
  for await (const each of seals) {
    yield `${separator}    ${JSON.stringify(each)}`;
    separator = ',\n';
  }
  yield separator === '\n' ? ']\n}\n' : '\n  ]\n}\n';
}
