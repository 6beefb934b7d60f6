// Verifies an exported audit log with nothing but the file and its manifest: the file's own hash, every row's hash, that
// the rows are what was sealed (multiproofs) and what the filters let through, and the chain of seals up to the head.
// Whoever can rewrite both files can rewrite the chain as well; that is caught against a head kept elsewhere
// (`expectedHead`).
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { BursarError } from '../errors.ts';
import { CHUNK_BYTES } from './csv-records.ts';
import { decimalAmount, EXPORT_COLUMNS, HASHED_FIELDS } from './export-columns.ts';
import { TotalsCounter } from './export-totals.ts';
import { type BadLine, type FileRow, fileRows } from './file-rows.ts';
import { Findings } from './finding.ts';
import { type Manifest, type ManifestSeal, parseManifest } from './manifest.ts';
import { rowHash } from './row-hash.ts';
import { recomputedSealHash } from './seal-hash.ts';
import { SealMembers } from './seal-members.ts';
import type { Verification } from './verify.ts';

const AGAIN = 'bursar audit export --out FILE';

/**
 * The manifest's `file` and `exportedAt` are not covered: nothing in file or seals tells them. That no row is missing
 * which the filters would let through is for the book to say. BursarError: `not_found` where one of the files is missing, `corrupt_file` for a
 * manifest that is none.
 */
export async function verifyFile(
  path: string,
  manifestPath: string,
  expectedHead: string | null,
): Promise<Verification> {
  await assertThere(path, 'export', 'Name the exported file itself.');
  await assertThere(manifestPath, 'manifest', 'It stands beside the export; name it with --manifest if it does not.');
  const manifest = parseManifest(await readFile(manifestPath, 'utf8'), manifestPath);
  return new VerifyingFile(path, manifest, expectedHead).run();
}

class VerifyingFile {
  readonly #path: string;
  readonly #manifest: Manifest;
  readonly #expectedHead: string | null;
  readonly #findings = new Findings();
  readonly #members: SealMembers;
  readonly #totals = new TotalsCounter();
  #rows = 0;

  constructor(path: string, manifest: Manifest, expectedHead: string | null) {
    this.#path = path;
    this.#manifest = manifest;
    this.#expectedHead = expectedHead;
    this.#members = new SealMembers(manifest.seals, (code, subject, message) => this.#error(code, subject, message));
  }

  async run(): Promise<Verification> {
    const { seals, head } = this.#manifest;
    this.#shape();
    await this.#fileItself();
    this.#chain(seals);
    if (await this.#everyRow()) this.#sums();
    const { count } = this.#findings;
    return {
      schema: 'bursar.verify/1',
      ok: count === 0,
      checked: {
        rows: this.#rows,
        sealed: this.#members.count,
        unsealed: this.#rows - this.#members.count,
        seals: seals.length,
        head: head?.sealHash ?? null,
      },
      findings: this.#findings.list(),
    };
  }

  #shape(): void {
    const { columns, hashedFields } = this.#manifest;
    if (!isDeepStrictEqual(columns, EXPORT_COLUMNS) || !isDeepStrictEqual(hashedFields, HASHED_FIELDS)) {
      this.#error('manifest_columns', 'manifest', 'The columns in the manifest are not those of an audit export.');
    }
  }

  async #fileItself(): Promise<void> {
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of createReadStream(this.#path, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      size += chunk.length;
    }
    const { bytes } = this.#manifest;
    if (size !== bytes) {
      this.#error('file_size', this.#path, `The file has ${size} bytes; the manifest says ${bytes}.`);
    }
    if (hash.digest('hex') === this.#manifest.sha256) return;
    this.#error(
      'file_hash',
      this.#path,
      'The file is not the one that the manifest was made for: its SHA-256 differs.',
    );
  }

  /** Every seal's hash, that each follows the one before, and that the last is the head. */
  #chain(seals: readonly ManifestSeal[]): void {
    let previous: ManifestSeal | null = null;
    for (const seal of seals) {
      const name = `seal ${seal.sequence}`;
      const { previousSealHash, root, count } = seal;
      if (
        recomputedSealHash({ previousSealHash, root, count, sealedAt: Date.parse(seal.sealedAt) }) !== seal.sealHash
      ) {
        this.#error(
          'seal_hash',
          name,
          `Seal ${seal.sequence} does not have the hash it was made with: it was edited in the manifest.`,
        );
      }
      if (previous !== null && (seal.sequence !== previous.sequence + 1 || previousSealHash !== previous.sealHash)) {
        this.#error(
          'seal_chain',
          name,
          `Seal ${seal.sequence} does not follow seal ${previous.sequence}: the chain in the manifest is broken.`,
        );
      }
      previous = seal;
    }
    this.#head(previous);
  }

  #head(last: ManifestSeal | null): void {
    const { head } = this.#manifest;
    const isEnd = last === null || (head !== null && isDeepStrictEqual(head, headOf(last)));
    if (!isEnd) this.#error('seal_chain', 'head', 'The chain in the manifest does not end at its head.');
    const expected = this.#expectedHead;
    if (expected === null || head?.sealHash === expected) return;
    if (this.#manifest.seals.some(({ sealHash }) => sealHash === expected)) return;
    this.#error(
      'head_missing',
      expected,
      'No seal in the manifest has the hash given with --head: the export is older or of another book, or its chain was rewritten.',
    );
  }

  /** False when the file can't be read to its end. */
  async #everyRow(): Promise<boolean> {
    for await (const rows of fileRows(this.#path, this.#manifest.format)) {
      for (const row of rows) {
        if (row.kind === 'row') this.#row(row);
        else this.#malformed(row);
        if (row.kind === 'bad' && row.isFatal) return false;
      }
    }
    this.#members.finish();
    return true;
  }

  #malformed({ line, fault }: BadLine): void {
    this.#error('row_malformed', `line ${line}`, `Line ${line} is not a row of an audit export: ${fault}.`);
  }

  #row(row: FileRow): void {
    this.#rows += 1;
    this.#totals.add(row.fields);
    this.#content(row);
    this.#filtered(row);
    this.#members.add(row);
  }

  #content({ line, fields, at, amount, hash }: FileRow): void {
    const computed = rowHash(fields);
    if (computed !== hash) {
      this.#error(
        'row_edited',
        fields.id,
        `Row ${fields.id} on line ${line} does not have the hash it was written with: it was edited.`,
      );
    }
    const date = new Date(fields.at);
    const iso = Number.isNaN(date.getTime()) ? null : date.toISOString();
    const minor = fields.amount_minor === null ? null : BigInt(fields.amount_minor);
    const wrong = at !== iso ? 'at' : amount !== decimalAmount(minor, fields.currency) ? 'amount' : null;
    if (wrong === null) return;
    this.#error(
      'row_edited',
      fields.id,
      `Row ${fields.id} on line ${line} shows another ${wrong} than ${wrong}_${wrong === 'at' ? 'ms' : 'minor'}: it was edited.`,
    );
  }

  #filtered({ line, fields }: FileRow): void {
    const { since, until, customer, gateway, status, kind } = this.#manifest.filters;
    const outside = [
      ['since', since !== null && fields.at < Date.parse(since)],
      ['until', until !== null && fields.at >= Date.parse(until)],
      ['customer', customer !== null && fields.customer_id !== customer],
      ['gateway', gateway !== null && fields.gateway !== gateway],
      ['status', status !== null && fields.status !== status],
      ['kind', kind !== null && fields.action !== kind && !fields.action.startsWith(`${kind}.`)],
    ] as const;
    for (const [name, isOutside] of outside) {
      if (!isOutside) continue;
      this.#error(
        'row_outside',
        fields.id,
        `Row ${fields.id} on line ${line} is not what the filter "${name}" in the manifest lets through.`,
      );
    }
  }

  #sums(): void {
    const { rows, totals } = this.#manifest;
    if (rows !== this.#rows) {
      this.#error('row_count', this.#path, `The file has ${this.#rows} rows; the manifest says ${rows}.`);
    }
    if (!isDeepStrictEqual(totals, this.#totals.list())) {
      this.#error('totals', 'manifest', 'The totals in the manifest are not those of the rows in the file.');
    }
  }

  #error(code: string, subject: string, message: string): void {
    this.#findings.add(code, subject, message, AGAIN);
  }
}

const headOf = ({ sequence, sealHash, root, count, sealedAt }: ManifestSeal) => ({
  sequence,
  sealHash,
  root,
  count,
  sealedAt,
});

async function assertThere(path: string, what: string, hint: string): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw new BursarError('not_found', `The ${what} ${path} can't be read (${error.code}). Nothing was verified.`, {
      cause: error,
    });
  });
  if (found === null)
    throw new BursarError('not_found', `There is no ${what} ${path}. Nothing was verified.`, { hint });
  if (!found.isFile()) throw new BursarError('not_found', `${path} is not a file. Nothing was verified.`, { hint });
}
