// What the money pipeline works with: the book, the ports, and who is doing it.
import type { Author } from '../audit/audit.ts';
import type { Clock, Random } from '../clock.ts';
import type { Gateway } from '../gateways/gateway.ts';
import type { RetryPolicy } from '../retries/policy.ts';
import type { Owner } from '../storage/lease.ts';
import type { Book } from '../storage/open.ts';
import type { SendingGuard } from './sending-guard.ts';

export interface ChargesContext {
  book: Book;
  clock: Clock;
  random: Random;
  author: Author;
  owner: Owner;
  guard: SendingGuard;
  /** The strategy of that name; BursarError(`unknown_gateway`) where the config has none. */
  gateway(name: string): Promise<Gateway>;
  policy(name: string): RetryPolicy;
  /** Where a charge has no zone of its own. */
  timezone: string;
}
