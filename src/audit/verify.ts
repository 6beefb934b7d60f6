// Verifies the audit log of a book: every row's hash, every seal's root over the rows it holds, and the chain of seals.
// Whoever can write to the book can rewrite the whole chain, or cut off its end: that is caught only against a head kept
// elsewhere (`audit head`, the manifest of an export), given as `expectedHead`.
import { hash } from 'node:crypto';
import type { Db } from '../storage/db.ts';
import { hashBytes, type Seal, sealsAfter } from './audit-store.ts';
import { type Finding, Findings, NAMED_PER_KIND } from './finding.ts';
import { MerkleRoot } from './merkle.ts';
import { NO_PREVIOUS_SEAL } from './seal.ts';
import { recomputedSealHash } from './seal-hash.ts';
import { SealedRows } from './sealed-rows.ts';
import {
  type CheckedRow,
  lastGivenSequence,
  lastRowSequence,
  ROWS_PER_PAGE,
  rowName,
  rowsOutOfOrder,
  unsealedRows,
} from './verify-store.ts';

/** `bursar.verify/1`. */
export interface Verification {
  schema: 'bursar.verify/1';
  ok: boolean;
  checked: { rows: number; sealed: number; unsealed: number; seals: number; head: string | null };
  findings: Finding[];
}

const COMPARE = 'bursar audit verify --file EXPORT';
const SEALS_PER_PAGE = 1000;

/** Reads through `db`, which should be a snapshot. Memory: two pages of rows, whatever is wrong. */
export async function verifyAudit(db: Db, expectedHead: string | null): Promise<Verification> {
  return new Verifying(db, expectedHead).run();
}

class Verifying {
  readonly #db: Db;
  readonly #expectedHead: string | null;
  readonly #findings = new Findings();
  #sealed = 0;
  #unsealed = 0;
  #seals = 0;
  #last: Seal | null = null;
  #isHeadThere = false;
  #lastSequence = 0;
  #lastSealed = 0;

  constructor(db: Db, expectedHead: string | null) {
    this.#db = db;
    this.#expectedHead = expectedHead;
  }

  async run(): Promise<Verification> {
    const rows = new SealedRows(this.#db);
    for await (const seal of everySeal(this.#db)) await this.#seal(seal, rows);
    // Members of seals that are not there.
    for (let row = await rows.next(); row !== null; row = await rows.next()) await this.#orphan(row);
    await this.#unsealedRows();
    await this.#tail();
    const { count } = this.#findings;
    return {
      schema: 'bursar.verify/1',
      ok: count === 0,
      checked: {
        rows: this.#sealed + this.#unsealed,
        sealed: this.#sealed,
        unsealed: this.#unsealed,
        seals: this.#seals,
        head: this.#last?.sealHash ?? null,
      },
      findings: this.#findings.list(),
    };
  }

  async #seal(seal: Seal, rows: SealedRows): Promise<void> {
    this.#chain(seal);
    const tree = new MerkleRoot();
    let isWhole = true;
    let expectedLeaf = 0;
    for (let row = await rows.peek(); row !== null && (row.seal ?? 0) <= seal.sequence; row = await rows.peek()) {
      rows.skip();
      if (row.seal !== seal.sequence) {
        await this.#orphan(row);
        continue;
      }
      const leaf = row.leaf ?? 0;
      if (leaf !== expectedLeaf) isWhole = this.#gap(seal, expectedLeaf, leaf);
      expectedLeaf = leaf + 1;
      if (!row.isThere) {
        isWhole = false;
        this.#error(
          'row_deleted',
          `row ${row.sequence}`,
          `Row ${row.sequence} of the log, leaf ${leaf} of seal ${seal.sequence}, was deleted.`,
        );
        continue;
      }
      await this.#row(row);
      tree.add(hashBytes(row.hash));
    }
    if (expectedLeaf < seal.count) isWhole = this.#gap(seal, expectedLeaf, seal.count);
    if (expectedLeaf > seal.count) {
      isWhole = false;
      this.#error(
        'row_inserted',
        `seal ${seal.sequence}`,
        `Seal ${seal.sequence} was made over ${seal.count} rows and now has ${expectedLeaf}: rows were inserted.`,
      );
    }
    if (isWhole && tree.root().toString('hex') !== seal.root) await this.#wrongRoot(seal);
  }

  /** A sealed row: its own hash, and its place in the log. */
  async #row(row: CheckedRow): Promise<void> {
    this.#sealed += 1;
    if (row.sequence <= this.#lastSequence) {
      const name = await this.#nameOf(row.sequence);
      this.#error(
        'row_reordered',
        name.subject,
        `Row ${name.subject} is sealed behind rows that come after it in the log: the seals were reordered.`,
        name.command,
      );
    }
    this.#lastSequence = row.sequence;
    this.#lastSealed = Math.max(this.#lastSealed, row.sequence);
    if (hash('sha256', row.json) !== row.hash) await this.#edited(row);
  }

  async #edited(row: CheckedRow): Promise<void> {
    const { subject, command } = await this.#nameOf(row.sequence);
    const where = row.seal === null ? 'not sealed yet' : `leaf ${row.leaf} of seal ${row.seal}`;
    this.#error(
      'row_edited',
      subject,
      `Row ${subject} (row ${row.sequence} of the log, ${where}) does not have the hash it was written with: it was edited.`,
      command,
    );
  }

  #gap(seal: Seal, from: number, to: number): false {
    const leaves = to - from === 1 ? `leaf ${from}` : `leaves ${from} to ${to - 1}`;
    this.#error(
      'row_deleted',
      `seal ${seal.sequence}, ${leaves}`,
      `Seal ${seal.sequence} was made over ${seal.count} rows; ${leaves} of it (counted from 0) ${to - from === 1 ? 'was' : 'were'} deleted.`,
    );
    return false;
  }

  async #orphan(row: CheckedRow): Promise<void> {
    if (row.isThere) await this.#row(row);
    this.#error(
      'seal_missing',
      `seal ${row.seal}`,
      `Row ${row.sequence} of the log belongs to seal ${row.seal}, which is not there.`,
    );
  }

  /** Rows that all hold by themselves, but are not the ones that were sealed, in this order. */
  async #wrongRoot(seal: Seal): Promise<void> {
    const { first, last, ids } = await rowsOutOfOrder(this.#db, seal.sequence, NAMED_PER_KIND);
    for (const id of ids) {
      this.#error(
        'row_reordered',
        id,
        `Row ${id} in seal ${seal.sequence} comes after a newer one, and the seal does not hold: rows were reordered or exchanged.`,
      );
    }
    const what = ids.length > 0 ? '' : ' At least one was edited or exchanged together with its hash.';
    this.#error(
      'seal_root',
      `seal ${seal.sequence}`,
      `The rows of seal ${seal.sequence} (${first} to ${last}) are not those that were sealed.${what}`,
    );
  }

  #chain(seal: Seal): void {
    const name = `seal ${seal.sequence}`;
    this.#seals += 1;
    this.#isHeadThere ||= seal.sealHash === this.#expectedHead;
    const previous = this.#last;
    this.#last = seal;
    const expected = (previous?.sequence ?? 0) + 1;
    if (seal.sequence !== expected) {
      const gone =
        seal.sequence - expected === 1 ? `Seal ${expected} is` : `Seals ${expected} to ${seal.sequence - 1} are`;
      this.#error('seal_missing', `seal ${expected}`, `${gone} not there.`);
    }
    if (seal.previousSealHash !== (previous?.sealHash ?? NO_PREVIOUS_SEAL)) {
      this.#error(
        'seal_chain',
        name,
        `Seal ${seal.sequence} does not follow the seal before it: the chain was broken there.`,
      );
    }
    if (recomputedSealHash(seal) !== seal.sealHash) {
      this.#error('seal_hash', name, `Seal ${seal.sequence} does not have the hash it was made with: it was edited.`);
    }
  }

  async #unsealedRows(): Promise<void> {
    for (let after = Number.MIN_SAFE_INTEGER; ; ) {
      const rows = await unsealedRows(this.#db, after);
      for (const row of rows) {
        this.#unsealed += 1;
        if (hash('sha256', row.json) !== row.hash) await this.#edited(row);
        if (row.sequence >= this.#lastSealed) continue;
        const { subject, command } = await this.#nameOf(row.sequence);
        this.#error(
          'row_inserted',
          subject,
          `Row ${subject} (row ${row.sequence} of the log) stands before sealed rows and is in no seal: it was inserted.`,
          command,
        );
      }
      after = rows.at(-1)?.sequence ?? after;
      if (rows.length < ROWS_PER_PAGE) return;
    }
  }

  async #tail(): Promise<void> {
    const [last, given] = [await lastRowSequence(this.#db), await lastGivenSequence(this.#db)];
    if (given > last) {
      this.#error(
        'tail_cut',
        `row ${last + 1}`,
        `The log once reached row ${given} and now ends at row ${last}: its end was cut off.`,
      );
    }
    if (this.#expectedHead !== null && !this.#isHeadThere) {
      this.#error(
        'head_missing',
        this.#expectedHead,
        'No seal of this book has the hash given with --head: the end of the log was cut off, the chain was rewritten, or the hash is of another book.',
      );
    }
  }

  async #nameOf(sequence: number): Promise<{ subject: string; command: string }> {
    const row = await rowName(this.#db, sequence);
    if (row === null) return { subject: `row ${sequence}`, command: COMPARE };
    const [since, until] = [row.at, row.at + 1].map(isoOrNull);
    const command = since == null || until == null ? COMPARE : `bursar audit list --since ${since} --until ${until}`;
    return { subject: row.id, command };
  }

  #error(code: string, subject: string, message: string, command = COMPARE): void {
    this.#findings.add(code, subject, message, command);
  }
}

async function* everySeal(db: Db): AsyncGenerator<Seal> {
  for (let after = Number.MIN_SAFE_INTEGER; ; ) {
    const seals = await sealsAfter(db, after, SEALS_PER_PAGE);
    yield* seals;
    after = seals.at(-1)?.sequence ?? after;
    if (seals.length < SEALS_PER_PAGE) return;
  }
}

function isoOrNull(timeMs: number): string | null {
  const date = new Date(timeMs);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
