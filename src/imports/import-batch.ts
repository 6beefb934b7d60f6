// One batch of an import: read, compared with what the book has, checked, and written in one commit.
import { assert, BursarError } from '../errors.ts';
import type { Db } from '../storage/db.ts';
import { writeTrx } from '../storage/trx.ts';
import { Cells } from './cells.ts';
import type { Heading } from './columns.ts';
import type { ImportContext } from './context.ts';
import type { DryBook } from './dry-book.ts';
import { readPayer } from './payer.ts';
import { type Resolution, resolvePayers, writePayers } from './payers.ts';
import type { CsvRecord } from './records.ts';
import type { Reject } from './rejects.ts';
import { assertChargeable, type Common, type ImportKind, type Row, rowHash } from './row.ts';

export interface BatchResult {
  imported: number;
  alreadyThere: number;
  customers: number;
  methods: number;
  /** Of the imported ones, those that a billing run now would charge for. */
  dueNow: number;
  rejects: Reject[];
}

/** Imports the records, or with `dry` only tells what would come of it. A fault of one row holds no other back. */
export async function importBatch<Facts extends Common, Made>(
  context: ImportContext,
  kind: ImportKind<Facts, Made>,
  records: readonly CsvRecord[],
  heading: Heading,
  dry: DryBook | null,
): Promise<BatchResult> {
  const batch = new Batch(context, kind, dry);
  await batch.run(records, heading);
  return batch.result;
}

class Batch<Facts extends Common, Made> {
  readonly result: BatchResult = { imported: 0, alreadyThere: 0, customers: 0, methods: 0, dueNow: 0, rejects: [] };
  readonly #context: ImportContext;
  readonly #kind: ImportKind<Facts, Made>;
  readonly #dry: DryBook | null;
  /** Rows that say what an earlier one of the batch says too: what comes of that one comes of them. */
  readonly #twins: { row: Row<Facts>; of: Row<Facts> }[] = [];

  constructor(context: ImportContext, kind: ImportKind<Facts, Made>, dry: DryBook | null) {
    this.#context = context;
    this.#kind = kind;
    this.#dry = dry;
  }

  async run(records: readonly CsvRecord[], heading: Heading): Promise<void> {
    const { reader } = this.#context.charges.book;
    const rows = this.#withoutTwins(this.#read(records, heading));
    const fresh = await this.#withoutEarlier(reader, rows);
    const good = fresh.length === 0 ? [] : await this.#chargeable(fresh);
    if (good.length > 0) await this.#write(good);
    this.#settleTwins();
    this.result.rejects.sort((a, b) => a.record.line - b.record.line);
  }

  #read(records: readonly CsvRecord[], heading: Heading): Row<Facts>[] {
    return records.flatMap((record) => {
      try {
        const cells = new Cells(record, heading);
        const reference = cells.reference();
        const payer = readPayer(cells);
        const facts = this.#kind.read(cells, this.#context);
        return [{ record, reference, payer, facts, requestHash: rowHash(payer, facts) }];
      } catch (error) {
        this.#reject(record, error);
        return [];
      }
    });
  }

  #withoutTwins(rows: readonly Row<Facts>[]): Row<Facts>[] {
    const first = new Map<string, Row<Facts>>();
    return rows.filter((row) => {
      const of = first.get(row.reference);
      if (of === undefined) first.set(row.reference, row);
      else if (of.requestHash === row.requestHash) this.#twins.push({ row, of });
      else this.#reject(row.record, otherValues(`line ${of.record.line} of this file`));
      return of === undefined;
    });
  }

  async #withoutEarlier(db: Db, rows: readonly Row<Facts>[]): Promise<Row<Facts>[]> {
    const earlier = await this.#kind.earlier(
      db,
      rows.map(({ reference }) => reference),
    );
    return rows.filter((row) => {
      const found = earlier.get(row.reference) ?? this.#dry?.earlier(row);
      if (found === undefined) return true;
      if (found.requestHash === row.requestHash) this.result.alreadyThere += 1;
      else this.#reject(row.record, otherValues(found.id));
      return false;
    });
  }

  /** The rows whose payer is clear and whose charge the gateway would take. */
  async #chargeable(rows: readonly Row<Facts>[]): Promise<Row<Facts>[]> {
    const { charges } = this.#context;
    const resolution = await this.#resolve(charges.book.reader, rows);
    const nowMs = charges.clock.nowMs();
    const good: Row<Facts>[] = [];
    for (const { row, payer } of this.#resolved(rows, resolution)) {
      try {
        this.#kind.make(this.#context, row, payer, nowMs);
        await assertChargeable(this.#context, payer.method, row.facts);
        good.push(row);
      } catch (error) {
        this.#reject(row.record, error);
      }
    }
    return good;
  }

  async #write(rows: readonly Row<Facts>[]): Promise<void> {
    const { book } = this.#context.charges;
    if (this.#dry !== null) {
      const resolution = await this.#resolve(book.reader, rows);
      this.#count(resolution, this.#make(rows, resolution));
      this.#dry.remember(rows, resolution.customers);
      return;
    }
    await writeTrx(book, async (trx) => {
      // Once more under the writer's lock: another import may have been here, or an operator.
      const fresh = await this.#withoutEarlier(trx, rows);
      const resolution = await this.#resolve(trx, fresh);
      const made = this.#make(fresh, resolution);
      await writePayers(trx, this.#context, resolution);
      await this.#kind.write(trx, this.#context, made, this.#context.charges.clock.nowMs());
      this.#count(resolution, made);
    });
  }

  async #resolve(db: Db, rows: readonly Row<Facts>[]): Promise<Resolution> {
    return resolvePayers(
      db,
      this.#context,
      rows.map(({ payer }) => payer),
      this.#dry,
    );
  }

  #resolved(rows: readonly Row<Facts>[], { payers }: Resolution) {
    return rows.flatMap((row, index) => {
      const payer = payers[index];
      assert(payer !== undefined, 'every payer was resolved');
      if (!(payer instanceof BursarError)) return [{ row, payer }];
      this.#reject(row.record, payer);
      return [];
    });
  }

  #make(rows: readonly Row<Facts>[], resolution: Resolution): Made[] {
    const nowMs = this.#context.charges.clock.nowMs();
    return this.#resolved(rows, resolution).map(({ row, payer }) => this.#kind.make(this.#context, row, payer, nowMs));
  }

  #count({ customers, methods }: Resolution, made: readonly Made[]): void {
    const nowMs = this.#context.charges.clock.nowMs();
    this.result.imported += made.length;
    this.result.customers += customers.length;
    this.result.methods += methods.length;
    this.result.dueNow += made.filter((each) => (this.#kind.dueAtMs(each) ?? Number.POSITIVE_INFINITY) <= nowMs).length;
  }

  #settleTwins(): void {
    const errors = new Map(this.result.rejects.map(({ record, error }) => [record, error]));
    for (const { row, of } of this.#twins) {
      const error = errors.get(of.record);
      if (error === undefined) this.result.alreadyThere += 1;
      else this.#reject(row.record, error);
    }
  }

  #reject(record: CsvRecord, error: unknown): void {
    if (!(error instanceof BursarError) || FATAL.has(error.code)) throw error;
    this.result.rejects.push({ record, error });
  }
}

/** Not the row's fault: every other row would meet it too. */
const FATAL: ReadonlySet<string> = new Set([
  'book_locked',
  'book_unreachable',
  'corrupt_book',
  'commit_unknown',
  'interrupted',
]);

function otherValues(where: string): BursarError {
  return new BursarError('idempotency_conflict', `reference: it was used for ${where} with other values.`, {
    hint: 'Take the row out, or give it a reference of its own.',
  });
}
