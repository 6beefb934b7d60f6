// knex ships no types for its dialect classes; these are the members that storage/dialect.ts extends.
declare module 'knex/lib/dialects/sqlite3/index.js' {
  import { Knex } from 'knex';
  export default class Client extends Knex.Client {
    driver: {
      OPEN_READONLY: number;
      OPEN_READWRITE: number;
      OPEN_CREATE: number;
      OPEN_URI: number;
      Database: new (path: string, mode: number, opened: (error: Error | null) => void) => unknown;
    };
    connectionSettings: { filename: string };
    _query(connection: object, query: { sql: string }): Promise<unknown>;
    validateConnection(connection: object): Promise<boolean>;
  }
}
declare module 'knex/lib/dialects/sqlite3/execution/sqlite-transaction.js' {
  import type { Knex } from 'knex';
  export default class Transaction {
    constructor(client: Knex.Client, ...rest: unknown[]);
    query(connection: unknown, sql: string): Promise<unknown>;
  }
}
