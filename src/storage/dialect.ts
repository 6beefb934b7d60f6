// The only place that knows which SQL engine a book is on: its connections and its pragmas. What its errors mean to a
// person stands in engine-errors.ts.
import { pathToFileURL } from 'node:url';
import knexBuilder, { type Knex } from 'knex';
import SqliteTransaction from 'knex/lib/dialects/sqlite3/execution/sqlite-transaction.js';
import SqliteClient from 'knex/lib/dialects/sqlite3/index.js';
import { assertWritable, type ReadAccess } from './access.ts';
import { endsConnection, isEngineError, nameEngineError } from './engine-errors.ts';

/** `plain`: an existing file with no settings of ours, to be copied or put away. */
type Access = 'create' | 'write' | 'plain' | ReadAccess;

/** Asks the driver's open for extended result codes (sqlite3.h); the driver itself names no such flag. */
const OPEN_EXTENDED_CODES = 0x02000000;

/** knex sends a deferred BEGIN; a read that then writes would fail at once with SQLITE_BUSY_SNAPSHOT. */
class ImmediateTransaction extends SqliteTransaction {
  begin(connection: unknown): Promise<unknown> {
    return this.query(connection, 'BEGIN IMMEDIATE;');
  }
}

/** Connections that the pool must not hand out again. Not a client's own: a transaction has a client of its own. */
const ended = new WeakSet<object>();

class BookClient extends SqliteClient {
  override transaction(...rest: unknown[]): Knex.Transaction {
    return new ImmediateTransaction(this, ...rest) as unknown as Knex.Transaction;
  }

  /** The engine's error with its name. After a commit that failed, or a fault of the file, the connection goes. */
  override async _query(connection: object, query: { sql: string }): Promise<unknown> {
    try {
      return await super._query(connection, query);
    } catch (error) {
      nameEngineError(error);
      if (endsConnection(error, query.sql)) ended.add(connection);
      throw error;
    }
  }

  /** Asked by the pool before it hands a connection out. */
  override async validateConnection(connection: object): Promise<boolean> {
    return !ended.has(connection);
  }

  protected openAs(path: string, flags: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const connection = new this.driver.Database(path, flags | OPEN_EXTENDED_CODES, (error) => {
        nameEngineError(error);
        if (error === null) resolve(connection);
        else reject(error);
      });
    });
  }
}

class NewFileClient extends BookClient {
  override acquireRawConnection(): Promise<unknown> {
    return this.openAs(this.connectionSettings.filename, this.driver.OPEN_READWRITE | this.driver.OPEN_CREATE);
  }
}

/** knex always adds OPEN_CREATE; a book that isn't there must be refused, not made empty. */
class ExistingFileClient extends BookClient {
  override acquireRawConnection(): Promise<unknown> {
    return this.openAs(this.connectionSettings.filename, this.driver.OPEN_READWRITE);
  }
}

class WritingClient extends ExistingFileClient {
  override async acquireRawConnection(): Promise<unknown> {
    // The engine would open a file that it may not write to for reading, and fail in the middle of the work.
    await assertWritable(this.connectionSettings.filename);
    return super.acquireRawConnection();
  }
}

/** Readers begin a deferred transaction, which is a snapshot and takes no lock. */
class ReadingClient extends ExistingFileClient {
  override transaction(...rest: unknown[]): Knex.Transaction {
    return new SqliteTransaction(this, ...rest) as unknown as Knex.Transaction;
  }
}

/** Makes no file: an index left behind by someone who may only read could not be used by the book's owner. */
class LockedReadingClient extends ReadingClient {
  protected readonly parameters: string = 'mode=ro&readonly_shm=1';

  override acquireRawConnection(): Promise<unknown> {
    const url = `${pathToFileURL(this.connectionSettings.filename).href}?${this.parameters}`;
    return this.openAs(url, this.driver.OPEN_READONLY | this.driver.OPEN_URI);
  }
}

class FrozenReadingClient extends LockedReadingClient {
  protected override readonly parameters = 'mode=ro&immutable=1';
}

const CLIENTS = {
  create: NewFileClient,
  write: WritingClient,
  plain: ExistingFileClient,
  read: ReadingClient,
  'read-locked': LockedReadingClient,
  'read-frozen': FrozenReadingClient,
};

/** How long a writer waits for another process's commit, unless told otherwise. */
const BUSY_TIMEOUT_MS = 10_000;

interface SqliteConnection {
  exec(sql: string, done: (error: Error | null) => void): void;
  get(sql: string, done: (error: Error | null, row: Record<string, unknown> | undefined) => void): void;
  configure(option: 'busyTimeout', value: number): void;
  close(done: () => void): void;
}

/** A knex on an SQLite file. Writers have a pool of one connection; readers a pool of their own (WAL: never blocked). */
export function openSqlite(path: string, access: Access, busyTimeoutMs = BUSY_TIMEOUT_MS): Knex {
  const isReader = access !== 'create' && access !== 'write' && access !== 'plain';
  return knexBuilder({
    client: CLIENTS[access],
    connection: { filename: path },
    useNullAsDefault: true,
    // What knex would print, it also throws.
    log: { error: () => undefined, warn: () => undefined },
    pool: {
      min: 0,
      max: isReader ? 4 : 1,
      afterCreate: (
        connection: SqliteConnection,
        done: (error: Error | null, connection: SqliteConnection) => void,
      ) => {
        connection.configure('busyTimeout', busyTimeoutMs);
        if (access === 'plain') return done(null, connection);
        const answer = (error: Error | null): void => {
          nameEngineError(error);
          if (error === null) done(null, connection);
          // The pool knows nothing of it yet.
          else connection.close(() => done(error, connection));
        };
        connection.exec(isReader ? 'PRAGMA query_only = ON;' : writerPragmas, (error) => {
          if (error !== null || isReader) answer(error);
          else assertDurable(connection, answer);
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

/**
 * Moves everything committed from the write-ahead log into the file, durably, and empties the log. Returns whether it
 * could: then what the book shows is what it holds, and nothing of a commit that failed can come back.
 */
export async function emptyLog(db: Knex): Promise<boolean> {
  const [row] = (await db.raw('PRAGMA wal_checkpoint(TRUNCATE)')) as { busy: number }[];
  return row?.busy === 0;
}

/** A row lock for rows read in order to be changed. SQLite's writers are alone already. */
export function lockClause(_db: Knex): string {
  return '';
}

/** The database refused rows that a constraint forbids: the batch is worth trying again row by row. */
export function isConstraintError(error: unknown): boolean {
  return isEngineError(error) && error.code === 'SQLITE_CONSTRAINT';
}
