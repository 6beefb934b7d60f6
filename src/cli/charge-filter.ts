// From the flags of `charges list` to what is looked for.
import type { App } from '../app.ts';
import { CHARGE_STATUSES } from '../charges/charge.ts';
import type { ChargeFilter } from '../charges/charge-lists-store.ts';
import { findId } from './find-id.ts';
import { chosenWords } from './flag-words.ts';
import { parseTimeRange } from './time-input.ts';

export async function readChargeFilter(
  app: App,
  flags: {
    status?: string[] | undefined;
    customer?: string | undefined;
    since?: string | undefined;
    until?: string | undefined;
  },
): Promise<ChargeFilter> {
  const filter: ChargeFilter = await parseTimeRange(flags, app);
  if (flags.status !== undefined) {
    filter.statuses = chosenWords('--status', flags.status, CHARGE_STATUSES);
    filter.openOperations = filter.statuses.includes('unknown');
  }
  if (flags.customer !== undefined) filter.customerId = await findId(app, 'customer', flags.customer, { money: false });
  return filter;
}
