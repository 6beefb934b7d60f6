// One batch of an import: read, compared with what the book has, checked, and written in one commit. It is prepared while
// the batch before is written, so that neither the database nor the processor waits for the other.
import { type AuditEntry, auditInsertion } from '../audit/audit.ts';
import { lastRowSequence } from '../audit/verify-store.ts';
import type { PaymentMethod } from '../customers/customer.ts';
import { customerEntry } from '../customers/customers.ts';
import { customersInsertions, personalKeys } from '../customers/customers-store.ts';
import { methodEntry } from '../customers/methods.ts';
import { methodsInsertion } from '../customers/methods-store.ts';
import { assert, BursarError } from '../errors.ts';
import { writeInOrder } from '../storage/batch.ts';
import type { Db } from '../storage/db.ts';
import { writeTrx } from '../storage/trx.ts';
import type { Ahead } from './ahead.ts';
import { Cells } from './cells.ts';
import { chargeableBy } from './chargeable.ts';
import type { Heading } from './columns.ts';
import type { ImportContext } from './context.ts';
import type { DryBook } from './dry-book.ts';
import { readPayer } from './payer.ts';
import { type Resolution, resolvePayers } from './payers.ts';
import type { CsvRecord } from './records.ts';
import type { Reject } from './rejects.ts';
import { type Common, type ImportKind, type ImportMade, type Row, rowHash } from './row.ts';
import { mapInTurns } from './turns.ts';

export interface BatchResult {
  imported: number;
  alreadyThere: number;
  customers: number;
  methods: number;
  /** Of the imported ones, those that a billing run now would charge for. */
  dueNow: number;
  rejects: Reject[];
}

/** What is to be written. */
interface Plan<Facts, Made> {
  rows: readonly Row<Facts>[];
  /** One for each of `rows`. */
  made: readonly Made[];
  resolution: Resolution;
  audit: readonly AuditEntry[];
}

/** What rows make, each with the method that pays for it. */
interface Makings<Facts, Made> {
  items: { row: Row<Facts>; method: PaymentMethod; made: Made }[];
  resolution: Resolution;
}

/** Which audit rows a commit wrote: those behind `from`, up to `to`. */
export interface Written {
  from: number;
  to: number;
}

export class Batch<Facts extends Common, Made extends ImportMade> {
  readonly result: BatchResult = { imported: 0, alreadyThere: 0, customers: 0, methods: 0, dueNow: 0, rejects: [] };
  readonly #context: ImportContext;
  readonly #kind: ImportKind<Facts, Made>;
  readonly #dry: DryBook | null;
  /** Rows that say what an earlier one of the batch says too: what comes of that one comes of them. */
  readonly #twins: { row: Row<Facts>; of: Row<Facts> }[] = [];
  #ahead: Ahead | null = null;
  #plan: Plan<Facts, Made> | null = null;
  /** The last audit row of the book before anything else was read from it. */
  #seen = 0;
  #isAsPlanned = true;

  constructor(context: ImportContext, kind: ImportKind<Facts, Made>, dry: DryBook | null) {
    this.#context = context;
    this.#kind = kind;
    this.#dry = dry;
  }

  /** Whether the book has, or will have, what `ahead` told; known once it is written. */
  get isAsPlanned(): boolean {
    return this.#isAsPlanned;
  }

  /** What it writes, for the batch behind it. */
  ahead(): Ahead {
    const { rows = [], made = [], resolution } = this.#plan ?? {};
    return {
      rows: new Map(
        rows.map(({ reference, requestHash }, index) => [reference, { id: made[index]?.id ?? '', requestHash }]),
      ),
      customers: resolution?.customers ?? [],
      methods: resolution?.methods ?? [],
    };
  }

  /** Everything but writing. `ahead` is of the batch before, if the book may not have it yet. */
  async prepare(records: readonly CsvRecord[], heading: Heading, ahead: Ahead | null): Promise<void> {
    const { reader } = this.#context.charges.book;
    this.#ahead = ahead;
    const rows = this.#withoutTwins(await this.#read(records, heading));
    this.#seen = await lastRowSequence(reader);
    const fresh = await this.#withoutEarlier(reader, rows);
    if (fresh.length > 0) this.#plan = await this.#chargeable(reader, fresh);
  }

  /** Writes what was prepared. `before`: which audit rows the last batch that wrote something has written. */
  async write(before: Written | null): Promise<Written | null> {
    const written = this.#plan === null ? null : await this.#write(this.#plan, before);
    this.#settleTwins();
    this.result.rejects.sort((a, b) => a.record.line - b.record.line);
    return written ?? before;
  }

  async #read(records: readonly CsvRecord[], heading: Heading): Promise<Row<Facts>[]> {
    const rows = await mapInTurns(records, (record) => {
      try {
        const cells = new Cells(record, heading);
        const reference = cells.reference();
        const payer = readPayer(cells);
        const facts = this.#kind.read(cells, this.#context);
        return { record, reference, payer, facts, requestHash: rowHash(payer, facts) };
      } catch (error) {
        this.#reject(record, error);
        return null;
      }
    });
    return rows.filter((row) => row !== null);
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
      const { reference } = row;
      const found = earlier.get(reference) ?? this.#ahead?.rows.get(reference) ?? this.#dry?.earlier(row);
      if (found === undefined) return true;
      if (found.requestHash === row.requestHash) this.result.alreadyThere += 1;
      else this.#reject(row.record, otherValues(found.id));
      return false;
    });
  }

  /** A plan of the rows whose payer is clear and whose charge the gateway would take. */
  async #chargeable(db: Db, rows: readonly Row<Facts>[]): Promise<Plan<Facts, Made>> {
    const all = await this.#make(db, rows);
    const methods = all.items.map(({ method }) => method);
    const assertChargeable = await chargeableBy(this.#context, methods);
    const isGood = await mapInTurns(all.items, ({ row, method }) => {
      try {
        assertChargeable(method, row.facts);
        return true;
      } catch (error) {
        this.#reject(row.record, error);
        return false;
      }
    });
    const good = all.items.filter((_, index) => isGood[index]).map(({ row }) => row);
    const resolved = all.resolution.payers.filter((payer) => !(payer instanceof BursarError));
    // A customer or a method whom only refused rows name is not made.
    return this.#planned(db, good.length === resolved.length ? all : await this.#make(db, good));
  }

  /** What the rows make; ids in their order. */
  async #make(db: Db, rows: readonly Row<Facts>[]): Promise<Makings<Facts, Made>> {
    const payers = rows.map(({ payer }) => payer);
    const resolution = await resolvePayers(db, this.#context, payers, this.#dry, this.#ahead);
    const nowMs = this.#context.charges.clock.nowMs();
    const items = rows.flatMap((row, index) => {
      const payer = resolution.payers[index];
      assert(payer !== undefined, 'every payer was resolved');
      try {
        if (payer instanceof BursarError) throw payer;
        return [{ row, method: payer.method, made: this.#kind.make(this.#context, row, payer, nowMs) }];
      } catch (error) {
        this.#reject(row.record, error);
        return [];
      }
    });
    return { items, resolution };
  }

  async #planned(db: Db, { items, resolution }: Makings<Facts, Made>): Promise<Plan<Facts, Made>> {
    const made = items.map((item) => item.made);
    return { rows: items.map(({ row }) => row), made, resolution, audit: await this.#audit(db, made, resolution) };
  }

  async #write(plan: Plan<Facts, Made>, before: Written | null): Promise<Written | null> {
    if (this.#dry !== null) {
      this.#count(plan);
      this.#dry.remember(plan.rows, plan.resolution.customers);
      return null;
    }
    const { book, clock, author } = this.#context.charges;
    return writeTrx(book, async (trx) => {
      const from = await lastRowSequence(trx);
      const { made, resolution, audit } = await this.#confirmed(trx, plan, from, before);
      const nowMs = clock.nowMs();
      await writeInOrder(trx, [
        ...customersInsertions(resolution.customers),
        () => methodsInsertion(resolution.methods),
        ...this.#kind.insertions(made, nowMs),
        () => auditInsertion(author, nowMs, audit),
      ]);
      this.#count({ made, resolution });
      return { from, to: await lastRowSequence(trx) };
    });
  }

  /**
   * The plan as it holds under the writer's lock. Whatever changes what it goes by adds audit rows: if there is none since it was
   * looked at but those of the batch before, which the plan reckons with, it holds; else another import may have been
   * here, or an operator, and all is looked up once more.
   */
  async #confirmed(trx: Db, plan: Plan<Facts, Made>, last: number, before: Written | null): Promise<Plan<Facts, Made>> {
    const isOurs = before !== null && last === before.to && this.#seen === before.from;
    if (last === this.#seen || isOurs) return plan;
    this.#isAsPlanned = false;
    this.#ahead = null;
    return this.#planned(trx, await this.#make(trx, await this.#withoutEarlier(trx, plan.rows)));
  }

  /** The audit rows of what is made, in the order in which it is written. */
  async #audit(db: Db, made: readonly Made[], { customers, methods }: Resolution): Promise<AuditEntry[]> {
    if (this.#dry !== null) return [];
    const keys = new Map(
      [...(this.#ahead?.customers ?? []), ...customers].map(({ id, personalKey }) => [id, personalKey]),
    );
    const others = new Set(made.map(({ customerId }) => customerId).filter((id) => !keys.has(id)));
    for (const [id, key] of await personalKeys(db, [...others])) keys.set(id, key);
    return [
      ...(await mapInTurns(customers, (customer) => customerEntry(customer, customer.personalKey))),
      ...methods.map(methodEntry),
      ...(await mapInTurns(made, (each) => {
        const key = keys.get(each.customerId);
        assert(key !== undefined, 'a customer has a key');
        return this.#kind.entry(each, key);
      })),
    ];
  }

  #count({ made, resolution: { customers, methods } }: Pick<Plan<Facts, Made>, 'made' | 'resolution'>): void {
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
