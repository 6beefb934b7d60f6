// The columns of an exported audit log, and how SQLite itself writes a row of them. Every hashed field is there under the
// name that the hash has for it, but for `at`: the hash covers epoch milliseconds (`at_ms`), people read ISO 8601 (`at`).
import { currencyCodes, exponentOf } from '../money/currency.ts';
import { formatAmount, MAX_MINOR } from '../money/money.ts';
import { type CellKind, currencyKey, JSON_MARK } from './bare-page.ts';
import { sqlCsvLine, sqlNumberCell, sqlTextCell } from './csv.ts';
import { HASHED_COLUMNS, type HashedColumn } from './row-hash.ts';

export const EXPORT_COLUMNS = [
  'id',
  'at',
  'at_ms',
  'actor',
  'host',
  'command',
  'subject',
  'action',
  'before',
  'after',
  'result',
  'reason',
  'customer_id',
  'charge_id',
  'gateway',
  'status',
  'currency',
  'amount_minor',
  'amount',
  'hash',
  'seal',
  'leaf',
] as const;

export type ExportColumn = (typeof EXPORT_COLUMNS)[number];

export const NUMBER_COLUMNS: ReadonlySet<ExportColumn> = new Set(['at_ms', 'amount_minor', 'seal', 'leaf'] as const);

/** Where each hashed field stands in the file. */
export const HASHED_FIELDS = Object.fromEntries(
  HASHED_COLUMNS.map((column) => [column, column === 'at' ? 'at_ms' : column]),
) as Record<HashedColumn, ExportColumn>;

const DIGITS: ReadonlyMap<string, number> = new Map(currencyCodes().map((code) => [code, exponentOf(code)]));

/** The `amount` column: decimal text, or null where there is none or it is none that bursar would have written. */
export function decimalAmount(minor: bigint | null, currency: string | null): string | null {
  if (minor === null || currency === null || !DIGITS.has(currency)) return null;
  return minor < -MAX_MINOR || minor > MAX_MINOR ? null : formatAmount(minor, currency);
}

/**
 * The same in SQL. The lists are constants: SQLite makes each an index once a statement, while a join with a list that is
 * passed as JSON reads the list anew for every row (50 s instead of 3 s for 1 M rows).
 */
const SQL_AMOUNT = `CASE WHEN a.amount_minor NOT BETWEEN -${MAX_MINOR} AND ${MAX_MINOR} THEN NULL ${[
  ...new Set(DIGITS.values()),
]
  .sort((one, other) => Number(other === 2) - Number(one === 2))
  .map((digits) => `WHEN a.currency IN (${codesWith(digits)}) THEN ${sqlDecimal(digits)}`)
  .join(' ')} END`;

function codesWith(digits: number): string {
  return [...DIGITS].flatMap(([code, own]) => (own === digits ? `'${code}'` : [])).join(', ');
}

function sqlDecimal(digits: number): string {
  if (digits === 0) return 'CAST(a.amount_minor AS TEXT)';
  const scale = 10 ** digits;
  const sign = `iif(a.amount_minor < 0, '-', '')`;
  const parts = `abs(a.amount_minor) / ${scale}, abs(a.amount_minor) % ${scale}`;
  return `iif(a.amount_minor IS NULL, NULL, format('%s%d.%0${digits}d', ${sign}, ${parts}))`;
}

const SQL_ISO = `strftime('%Y-%m-%dT%H:%M:%fZ', a.at / 1000.0, 'unixepoch')`;

/** The SQL that each column is made of; `a` is audit_rows, `m` seal_members. */
const SOURCES: Record<ExportColumn, string> = {
  ...(Object.fromEntries(EXPORT_COLUMNS.map((column) => [column, `a.${column}`])) as Record<ExportColumn, string>),
  at: SQL_ISO,
  at_ms: 'a.at',
  amount: SQL_AMOUNT,
  seal: 'm.seal_sequence',
  leaf: 'm.leaf_index',
};

// What we write ourselves, digit by digit, and can hold nothing with a meaning in CSV.
const COMPUTED: ReadonlySet<ExportColumn> = new Set([...NUMBER_COLUMNS, 'at', 'amount'] as const);
const JSON_COLUMNS: ReadonlySet<ExportColumn> = new Set(['before', 'after'] as const);
/** The columns of text that may be null: of the bare ones only these can be empty rightly. */
const NULLABLE: ReadonlySet<ExportColumn> = new Set([
  'reason',
  'customer_id',
  'charge_id',
  'gateway',
  'status',
  'currency',
] as const);

/** One record, every text cell escaped as `escapeCell` does it. */
export const sqlExactLine = sqlCsvLine(
  EXPORT_COLUMNS.map((column) =>
    COMPUTED.has(column) ? sqlNumberCell(SOURCES[column]) : sqlTextCell(SOURCES[column]),
  ),
);

/** The columns of a bare page: `csvOfBarePage` writes the others by itself. */
export const BARE_COLUMNS = EXPORT_COLUMNS.filter((column) => column !== 'at' && column !== 'amount');

/**
 * One record with bare cells, which `csvOfBarePage` makes CSV of; it holds the marks around JSON. A call of concat_ws takes
 * 0.87 of the time of one of concat, which gets twice as many arguments; it leaves nulls out, so that none may be one.
 */
export const sqlBareLine = `concat_ws(',', ${BARE_COLUMNS.map(bareCell).join(', ')} || char(13, 10))`;

function bareCell(column: ExportColumn): string {
  const source = SOURCES[column];
  if (JSON_COLUMNS.has(column)) return `coalesce(char(${JSON_MARK}) || ${source} || char(${JSON_MARK}), '')`;
  // The empty text would pass for null.
  if (NULLABLE.has(column)) return `iif(${source} > '', ${source}, iif(${source} IS NULL, '', '""'))`;
  return sqlNumberCell(source);
}

/** What `csvOfBarePage` has to know of the columns. */
export const BARE_SHAPE = {
  cells: BARE_COLUMNS.map((column): CellKind => {
    if (column === 'at_ms') return 'time';
    if (column === 'amount_minor') return 'money';
    if (JSON_COLUMNS.has(column)) return 'json';
    return NULLABLE.has(column) || NUMBER_COLUMNS.has(column) ? 'nullable' : 'text';
  }),
  exponents: new Map([...DIGITS].map(([code, digits]) => [currencyKey(Buffer.from(code), 0, 3), digits])),
};

/** One line of NDJSON, the same bytes as JSON.stringify of the row. */
export const sqlJsonLine = `concat(json_object(${EXPORT_COLUMNS.map((column) => `'${column}', ${SOURCES[column]}`).join(', ')}), char(10))`;

/** The first line of a CSV file. */
export const csvHeader = `${EXPORT_COLUMNS.join(',')}\r\n`;
