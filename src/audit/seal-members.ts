// Proves, row by row as a file is read, that its rows are leaves of the seals in its manifest: in order, at their places,
// all that the manifest counts, with the roots that were chained.
import { BursarError } from '../errors.ts';
import type { FileRow } from './file-rows.ts';
import type { ManifestSeal } from './manifest.ts';
import { MultiproofVerifier } from './multiproof.ts';

type Report = (code: string, subject: string, message: string) => void;

/** The seal whose rows are being read. */
interface Current {
  seal: ManifestSeal;
  verifier: MultiproofVerifier;
  rows: number;
  lastLeaf: number;
  firstLine: number;
  lastLine: number;
  /** Something was told already that keeps the root from coming out. */
  isBroken: boolean;
}

export class SealMembers {
  readonly #seals: Map<number, ManifestSeal>;
  readonly #report: Report;
  readonly #seen = new Set<number>();
  #current: Current | null = null;
  #count = 0;

  constructor(seals: readonly ManifestSeal[], report: Report) {
    this.#seals = new Map(seals.filter(({ rows }) => rows > 0).map((seal) => [seal.sequence, seal]));
    this.#report = report;
  }

  /** How many rows were in a seal. */
  get count(): number {
    return this.#count;
  }

  add(row: FileRow): void {
    const { line, fields, seal, leaf, hash } = row;
    if (seal === null || leaf === null) {
      this.#report('row_inserted', fields.id, `Row ${fields.id} on line ${line} is in no seal: it was inserted.`);
      return;
    }
    const current = this.#current?.seal.sequence === seal ? this.#current : this.#begin(row, seal);
    if (current === null) return;
    this.#count += 1;
    current.lastLine = line;
    current.rows += 1;
    if (leaf <= current.lastLeaf) {
      current.isBroken = true;
      this.#report(
        'row_reordered',
        fields.id,
        `Row ${fields.id} on line ${line} (leaf ${leaf} of seal ${seal}) comes after leaf ${current.lastLeaf}: rows were reordered or repeated.`,
      );
      return;
    }
    const isGap = current.seal.proof?.length === 0 && leaf > current.lastLeaf + 1;
    if (isGap) this.#missing(current, current.lastLeaf + 1, leaf, line);
    current.lastLeaf = leaf;
    if (!current.isBroken) this.#prove(current, row, leaf, hash);
  }

  /** Call it behind the last row. */
  finish(): void {
    this.#end();
    for (const [sequence, { rows }] of this.#seals) {
      if (this.#seen.has(sequence)) continue;
      this.#report(
        'row_deleted',
        `seal ${sequence}`,
        `Seal ${sequence} has ${rows === 1 ? '1 row' : `${rows} rows`} in the export, and none of that is in the file: deleted.`,
      );
    }
  }

  #begin(row: FileRow, sequence: number): Current | null {
    const { line, fields } = row;
    const seal = this.#seals.get(sequence);
    const last = this.#current?.seal.sequence ?? 0;
    if (seal === undefined) {
      this.#report(
        'row_inserted',
        fields.id,
        `Row ${fields.id} on line ${line} names seal ${sequence}, of which the manifest has no row: it was inserted.`,
      );
      return null;
    }
    if (this.#seen.has(sequence) || sequence < last) {
      this.#report(
        'row_reordered',
        fields.id,
        `Row ${fields.id} on line ${line} is in seal ${sequence}, but comes after rows of seal ${last}: rows were reordered or repeated.`,
      );
      return null;
    }
    this.#end();
    this.#seen.add(sequence);
    const proof = (seal.proof ?? []).map((hex) => Buffer.from(hex, 'hex'));
    const verifier = new MultiproofVerifier(seal.count, proof);
    this.#current = { seal, verifier, rows: 0, lastLeaf: -1, firstLine: line, lastLine: line, isBroken: false };
    return this.#current;
  }

  #prove(current: Current, { line, fields }: FileRow, leaf: number, hash: string | null): void {
    if (hash === null || !/^[0-9a-f]{64}$/.test(hash)) {
      // Told as edited already.
      current.isBroken = true;
      return;
    }
    const fault = refusalOf(() => current.verifier.add(leaf, Buffer.from(hash, 'hex')));
    if (fault === null) return;
    current.isBroken = true;
    this.#report(
      'row_deleted',
      fields.id,
      `Row ${fields.id} on line ${line} does not fit the proof of seal ${current.seal.sequence}: rows before it were deleted or inserted.`,
    );
  }

  #end(): void {
    const current = this.#current;
    this.#current = null;
    if (current === null) return;
    const { seal, rows, lastLeaf, lastLine } = current;
    if (seal.proof?.length === 0 && lastLeaf + 1 < seal.count)
      this.#missing(current, lastLeaf + 1, seal.count, lastLine + 1);
    else if (rows !== seal.rows && !current.isBroken) {
      current.isBroken = true;
      this.#report(
        'row_deleted',
        `seal ${seal.sequence}`,
        `Seal ${seal.sequence} has ${seal.rows} rows in the export, and ${rows} of them are in the file.`,
      );
    }
    if (current.isBroken) return;
    let root: Buffer | null = null;
    const fault = refusalOf(() => {
      root = current.verifier.finish();
    });
    if (fault === null && root !== null && (root as Buffer).toString('hex') === seal.root) return;
    this.#report(
      'seal_root',
      `seal ${seal.sequence}`,
      `The rows of seal ${seal.sequence} (lines ${current.firstLine} to ${lastLine}) are not those that were sealed: one was edited or exchanged together with its hash, deleted or inserted.`,
    );
  }

  #missing(current: Current, from: number, to: number, line: number): void {
    current.isBroken = true;
    const { sequence } = current.seal;
    const [leaves, were] = to - from === 1 ? [`leaf ${from}`, 'was'] : [`leaves ${from} to ${to - 1}`, 'were'];
    this.#report(
      'row_deleted',
      `seal ${sequence}, ${leaves}`,
      `Before line ${line}, ${leaves} of seal ${sequence} (counted from 0) ${were} deleted.`,
    );
  }
}

/** Why the proof refuses, or null. */
function refusalOf(step: () => void): BursarError | null {
  try {
    step();
    return null;
  } catch (error) {
    if (error instanceof BursarError) return error;
    throw error;
  }
}
