// The columns of an exported audit log, and how SQLite itself writes a row of them. Every hashed field is there under the
// name that the hash has for it, but for `at`: the hash covers epoch milliseconds (`at_ms`), people read ISO 8601 (`at`).
import { currencyCodes, exponentOf } from '../money/currency.ts';
import { formatAmount, MAX_MINOR } from '../money/money.ts';
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

/** The `amount` column: decimal text, or null where there is none or it is none that bursar would have written. */
export function decimalAmount(minor: bigint | null, currency: string | null): string | null {
  if (minor === null || currency === null || !DIGITS.has(currency)) return null;
  return minor < -MAX_MINOR || minor > MAX_MINOR ? null : formatAmount(minor, currency);
}

const DIGITS: ReadonlyMap<string, number> = new Map(currencyCodes().map((code) => [code, exponentOf(code)]));

/** Binding of `sqlCurrencies`: [code, decimals, 10 to that power] of every currency. */
export const currencyBinding = (): string =>
  JSON.stringify([...DIGITS].map(([code, digits]) => [code, digits, 10 ** digits]));

/** A derived table of currencies, to be joined as `e`. */
export const sqlCurrencies = '(SELECT value->>0 AS code, value->>1 AS digits, value->>2 AS scale FROM json_each(?)) e';

// The same as decimalAmount; NULL where that is null. The first case is by far the most frequent.
const SQL_AMOUNT = `CASE
  WHEN e.digits IS NULL OR a.amount_minor IS NULL OR a.amount_minor NOT BETWEEN -${MAX_MINOR} AND ${MAX_MINOR} THEN NULL
  WHEN e.digits = 2 AND a.amount_minor >= 0 THEN format('%d.%02d', a.amount_minor / 100, a.amount_minor % 100)
  WHEN e.digits = 0 THEN CAST(a.amount_minor AS TEXT)
  ELSE format('%s%d.%0*d', iif(a.amount_minor < 0, '-', ''), abs(a.amount_minor) / e.scale, e.digits,
    abs(a.amount_minor) % e.scale) END`;

const SQL_ISO = `strftime('%Y-%m-%dT%H:%M:%fZ', a.at / 1000.0, 'unixepoch')`;

/** The SQL that each column is made of; `a` is audit_rows, `m` seal_members, `e` the currencies. */
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
/** Their places, for `isPlainPage`. */
export const JSON_PLACES: ReadonlySet<number> = new Set(
  [...JSON_COLUMNS].map((column) => EXPORT_COLUMNS.indexOf(column)),
);

/** One record, every text cell escaped as `escapeCell` does it. */
export const sqlExactLine = sqlCsvLine(
  EXPORT_COLUMNS.map((column) =>
    COMPUTED.has(column) ? sqlNumberCell(SOURCES[column]) : sqlTextCell(SOURCES[column]),
  ),
);

/**
 * One record under the assumption that no text needs quotes or an apostrophe, but for JSON, which always does. It holds
 * for nearly all pages, which `isPlainPage` finds out, and takes a third of the time of `sqlExactLine`.
 */
export const sqlPlainLine = sqlCsvLine(
  EXPORT_COLUMNS.map((column) => {
    const source = SOURCES[column];
    if (COMPUTED.has(column)) return sqlNumberCell(source);
    if (!JSON_COLUMNS.has(column)) return `iif(${source} = '', '""', ${source})`;
    // A JSON object that isn't empty begins with these two characters, and needs quotes for the second.
    const isObject = `${source} >= '{"' AND ${source} < '{#'`;
    return `CASE WHEN ${isObject} THEN '"' || replace(${source}, '"', '""') || '"' ELSE ${source} END`;
  }),
);

/** One line of NDJSON, the same bytes as JSON.stringify of the row. */
export const sqlJsonLine = `concat(json_object(${EXPORT_COLUMNS.map((column) => `'${column}', ${SOURCES[column]}`).join(', ')}), char(10))`;

/** The first line of a CSV file. */
export const csvHeader = `${EXPORT_COLUMNS.join(',')}\r\n`;
