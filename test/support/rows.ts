// Reads, and changes, the database files of books and banks beside whoever uses them.
import sqlite3 from 'sqlite3';

/**
 * Rows of a database file, read beside whoever writes it. A connection that may only read does not tidy up behind a
 * process that was killed: the next command finds the WAL as the kill left it.
 */
export async function rowsOf<T>(path: string, sql: string): Promise<T[]> {
  const db = await new Promise<sqlite3.Database>((resolve, reject) => {
    const opened: sqlite3.Database = new sqlite3.Database(path, sqlite3.OPEN_READONLY, (error) =>
      error === null ? resolve(opened) : reject(error),
    );
  });
  db.configure('busyTimeout', 10_000);
  try {
    return await new Promise<T[]>((resolve, reject) => {
      db.all<T>(sql, (error, rows) => (error === null ? resolve(rows) : reject(error)));
    });
  } finally {
    await new Promise((resolve) => db.close(resolve));
  }
}

export async function countOf(path: string, what: string): Promise<number> {
  const [row] = await rowsOf<{ n: number }>(path, `SELECT COUNT(*) AS n FROM ${what}`);
  return row?.n ?? 0;
}

/** Whether nobody holds the lock for writing, such as a process that was stopped in the middle of a commit. */
export async function isFree(path: string): Promise<boolean> {
  try {
    await execute(path, 'BEGIN IMMEDIATE', 200);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'SQLITE_BUSY') return false;
    throw error;
  }
}

/** Changes a database behind the back of whoever uses it. */
export async function execute(path: string, sql: string, busyTimeoutMs = 10_000): Promise<void> {
  const db = new sqlite3.Database(path, sqlite3.OPEN_READWRITE);
  db.configure('busyTimeout', busyTimeoutMs);
  try {
    await new Promise<void>((resolve, reject) => {
      db.run(sql, (error) => (error === null ? resolve() : reject(error)));
    });
  } finally {
    await new Promise((resolve) => db.close(resolve));
  }
}
