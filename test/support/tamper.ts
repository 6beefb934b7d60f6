// What somebody with write access to the file can do to a book: drop the triggers and change what they like.
import sqlite3 from 'sqlite3';
import type { Book } from '../../src/storage/open.ts';

/** Runs the statements on a connection of their own, after dropping every trigger and without foreign keys. */
export async function tamper(book: Book, ...statements: string[]): Promise<void> {
  const db = new sqlite3.Database(book.where);
  const run = (sql: string): Promise<{ name: string }[]> =>
    new Promise((resolve, reject) => {
      db.all<{ name: string }>(sql, (error, rows) => (error === null ? resolve(rows) : reject(error)));
    });
  try {
    await run('PRAGMA foreign_keys = OFF');
    for (const { name } of await run(`SELECT name FROM sqlite_master WHERE type = 'trigger'`))
      await run(`DROP TRIGGER ${name}`);
    for (const statement of statements) await run(statement);
  } finally {
    await new Promise((resolve) => db.close(resolve));
  }
}
