// knex ships no types for its dialect classes; these are the members that storage/dialect.ts extends.
declare module 'knex/lib/dialects/sqlite3/index.js' {
  import { Knex } from 'knex';
  export default class Client extends Knex.Client {
    driver: {
      OPEN_READWRITE: number;
      Database: new (path: string, mode: number, opened: (error: Error | null) => void) => unknown;
    };
    connectionSettings: { filename: string };
  }
}
declare module 'knex/lib/dialects/sqlite3/execution/sqlite-transaction.js' {
  import type { Knex } from 'knex';
  export default class Transaction {
    constructor(client: Knex.Client, ...rest: unknown[]);
    query(connection: unknown, sql: string): Promise<unknown>;
  }
}
