// What is asked before a schedule of a live book is cancelled.
import type { App } from '../app.ts';
import { formatMoney } from '../money/money.ts';
import { openCharges } from '../schedules/cancel.ts';
import type { Schedule } from '../schedules/schedule.ts';
import { recurrenceText, toScheduleView } from './views/schedule-view.ts';
import { customerName } from './who.ts';

/** `Cancel 20.00 USD every 1 month from Ada Lovelace (cus_…), and 2 charges that wait?` */
export async function cancelQuestion(app: App, schedule: Schedule, keepOpen: boolean): Promise<string> {
  const { amountMinor, currency, customerId } = schedule;
  const what = `${formatMoney(amountMinor, currency)} ${recurrenceText(toScheduleView(schedule))}`;
  const { waiting } = await openCharges(app.charges, schedule.id);
  const fate = keepOpen ? 'leave due' : 'cancel';
  const charges = waiting.length === 0 ? '' : `, and ${fate} ${waiting.length} of its charges`;
  return `Cancel ${what} from ${await customerName(app, customerId)}${charges}?`;
}
