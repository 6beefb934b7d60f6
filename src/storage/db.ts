// A book's database or one of its transactions, as everything outside of the stores knows it: something to hand on.
import type { Knex } from 'knex';

export type Db = Knex;
