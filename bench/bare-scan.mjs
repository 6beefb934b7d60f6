// Reads tables of a database to their last column as a plain user of the driver does, page by page: the floor of checks.
// node bare-scan.mjs PATH TABLE…
import sqlite3 from 'sqlite3';

const PAGE_ROWS = 10_000;
const [path, ...tables] = process.argv.slice(2);
const db = new sqlite3.Database(path, sqlite3.OPEN_READONLY);
const all = (sql, bindings) =>
  new Promise((resolve, reject) =>
    db.all(sql, bindings, (error, rows) => (error === null ? resolve(rows) : reject(error))),
  );
const KEYS = { audit_rows: ['sequence'], seal_members: ['audit_sequence'], postings: ['entry_id', 'line'] };
for (const table of tables) {
  const keys = KEYS[table] ?? ['rowid'];
  for (let last = null, count = PAGE_ROWS; count === PAGE_ROWS; ) {
    const behind = last === null ? '' : `WHERE (${keys}) > (${keys.map(() => '?')})`;
    const page = await all(
      `SELECT ${keys}, * FROM ${table} ${behind} ORDER BY ${keys} LIMIT ${PAGE_ROWS}`,
      last === null ? [] : keys.map((key) => last[key]),
    );
    count = page.length;
    last = page.at(-1) ?? null;
  }
}
