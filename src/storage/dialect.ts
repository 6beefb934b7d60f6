// The only place that knows which SQL engine a book is on: its connection, its pragmas, its errors.
import knexBuilder, { type Knex } from 'knex';
import SqliteTransaction from 'knex/lib/dialects/sqlite3/execution/sqlite-transaction.js';
import SqliteClient from 'knex/lib/dialects/sqlite3/index.js';
import { BursarError } from '../errors.ts';

/** knex sends a deferred BEGIN; a read that then writes would fail at once with SQLITE_BUSY_SNAPSHOT. */
class ImmediateTransaction extends SqliteTransaction {
  begin(connection: unknown): Promise<unknown> {
    return this.query(connection, 'BEGIN IMMEDIATE;');
  }
}

class ImmediateSqliteClient extends SqliteClient {
  override transaction(...rest: unknown[]): Knex.Transaction {
    return new ImmediateTransaction(this, ...rest) as unknown as Knex.Transaction;
  }
}

/** How long a writer waits for another process's commit, unless told otherwise. */
const BUSY_TIMEOUT_MS = 10_000;

/** `plain`: an existing file with no settings of ours, to be copied or put away. */
type Access = 'create' | 'write' | 'read' | 'plain';

interface SqliteConnection {
  exec(sql: string, done: (error: Error | null) => void): void;
  get(sql: string, done: (error: Error | null, row: Record<string, unknown> | undefined) => void): void;
  configure(option: 'busyTimeout', value: number): void;
}

/** A knex on an SQLite file. Writers have a pool of one connection; readers a pool of their own (WAL: never blocked). */
export function openSqlite(path: string, access: Access, busyTimeoutMs = BUSY_TIMEOUT_MS): Knex {
  return knexBuilder({
    client: {
      create: ImmediateSqliteClient,
      write: ExistingFileClient,
      read: ReadingClient,
      plain: ExistingFileClient,
    }[access],
    connection: { filename: path },
    useNullAsDefault: true,
    pool: {
      min: 0,
      max: access === 'read' ? 4 : 1,
      afterCreate: (
        connection: SqliteConnection,
        done: (error: Error | null, connection: SqliteConnection) => void,
      ) => {
        connection.configure('busyTimeout', busyTimeoutMs);
        if (access === 'plain') return done(null, connection);
        const pragmas = access === 'read' ? 'PRAGMA query_only = ON;' : writerPragmas;
        connection.exec(pragmas, (error) => {
          if (error !== null || access === 'read') return done(error, connection);
          assertDurable(connection, (failure) => done(failure, connection));
        });
      },
    },
  });
}

// fullfsync is macOS's only real fsync and does nothing elsewhere. With synchronous=FULL a commit is on the disk. Without
// recursive_triggers, INSERT OR REPLACE would get past the triggers of append-only tables.
const writerPragmas =
  'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA foreign_keys = ON;' +
  'PRAGMA recursive_triggers = ON; PRAGMA wal_autocheckpoint = 20000;';

function assertDurable(connection: SqliteConnection, done: (error: Error | null) => void): void {
  const query =
    'SELECT (SELECT journal_mode FROM pragma_journal_mode) AS journal, (SELECT synchronous FROM pragma_synchronous) AS sync, (SELECT foreign_keys FROM pragma_foreign_keys) AS keys';
  connection.get(query, (error, row) => {
    if (error !== null) return done(error);
    const durable = row?.journal === 'wal' && row.sync === 2 && row.keys === 1;
    done(durable ? null : new Error(`the book refused durable settings: ${JSON.stringify(row)}`));
  });
}

/** knex always adds OPEN_CREATE; a book that isn't there must be refused, not made empty. */
class ExistingFileClient extends ImmediateSqliteClient {
  override acquireRawConnection(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { Database, OPEN_READWRITE } = this.driver;
      const connection = new Database(this.connectionSettings.filename, OPEN_READWRITE, (error) =>
        error === null ? resolve(connection) : reject(error),
      );
    });
  }
}

/** Readers begin a deferred transaction, which is a snapshot and takes no lock. */
class ReadingClient extends ExistingFileClient {
  override transaction(...rest: unknown[]): Knex.Transaction {
    return new SqliteTransaction(this, ...rest) as unknown as Knex.Transaction;
  }
}

/** A row lock for rows read in order to be changed. SQLite's writers are alone already. */
export function lockClause(_db: Knex): string {
  return '';
}

const sqliteCode = (error: unknown): string | null => {
  const code = error !== null && typeof error === 'object' && 'code' in error ? error.code : null;
  return typeof code === 'string' ? code : null;
};

/** The database refused rows that a constraint forbids: the batch is worth trying again row by row. */
export function isConstraintError(error: unknown): boolean {
  return sqliteCode(error) === 'SQLITE_CONSTRAINT';
}

/** Turns what the engine says about the book itself into a BursarError; anything else is passed through as it is. */
export function translateStorageError(error: unknown, where: string): unknown {
  if (error instanceof BursarError) return error;
  switch (sqliteCode(error)) {
    case 'SQLITE_BUSY':
    case 'SQLITE_LOCKED':
      return new BursarError(
        'book_locked',
        `The book ${where} is locked by another process. Nothing more was written.`,
        {
          hint: 'Wait for the other command to end and run this one again.',
          cause: error,
        },
      );
    case 'SQLITE_NOTADB':
      return new BursarError('corrupt_book', `${where} is not a book (not an SQLite database). Nothing was written.`, {
        hint: 'Check --book; if the file used to be a book, restore a backup of it.',
        cause: error,
      });
    case 'SQLITE_CORRUPT':
      return new BursarError('corrupt_book', `The book ${where} is damaged. Nothing more was written.`, {
        hint: 'Keep the file as it is and restore a backup.',
        cause: error,
      });
    case 'SQLITE_CANTOPEN':
    case 'SQLITE_READONLY':
    case 'SQLITE_PERM':
      return new BursarError(
        'book_unreachable',
        `The book ${where} can't be opened for writing. Nothing was written.`,
        {
          hint: 'Check that the file and its folder exist and belong to you.',
          cause: error,
        },
      );
    case 'SQLITE_FULL':
      return new BursarError('book_unreachable', `The disk of the book ${where} is full. Nothing more was written.`, {
        hint: 'Free some space and run the command again.',
        cause: error,
      });
    default:
      return error;
  }
}
