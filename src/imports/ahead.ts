// What the batch before is putting into the book: the batch behind it is prepared meanwhile, and reads a book that may or
// may not have it yet.
import type { PaymentMethod } from '../customers/customer.ts';
import type { NewCustomer } from './payer.ts';

export interface Ahead {
  /** By reference: what its rows make. */
  rows: ReadonlyMap<string, { id: string; requestHash: string }>;
  customers: readonly NewCustomer[];
  methods: readonly PaymentMethod[];
}
