// `tamper BOOK SQL…` in transcripts: what somebody with write access to the file of a book can do to it. Drops every
// trigger and runs the statements on a connection of its own, without foreign keys.
import sqlite3 from 'sqlite3';

const [path, ...statements] = process.argv.slice(2);
const db = new sqlite3.Database(path, sqlite3.OPEN_READWRITE);
const run = (sql) =>
  new Promise((resolve, reject) => db.all(sql, (error, rows) => (error === null ? resolve(rows) : reject(error))));
await run('PRAGMA foreign_keys = OFF');
for (const { name } of await run(`SELECT name FROM sqlite_master WHERE type = 'trigger'`))
  await run(`DROP TRIGGER ${name}`);
for (const statement of statements) await run(statement);
await new Promise((resolve) => db.close(resolve));
