// What an import works with, beside what every charge does.
import type { ChargesContext } from '../charges/context.ts';

export interface ImportContext {
  charges: ChargesContext;
  /** Refuses a token that the gateway doesn't take for this book. */
  assertToken(gateway: string, token: string): Promise<void>;
  /** Refuses a gateway that isn't configured. */
  assertGateway(name: string): void;
  /** Of rows that name none. */
  defaultGateway(): string | undefined;
  /** Epoch milliseconds: what was due before this is billed by no run any more. */
  oldestDueMs: number;
}
