// Which customer a command is about: --customer, or on a terminal a choice of the newest ones.
import type { App } from '../app.ts';
import { BursarError } from '../errors.ts';
import { findId } from './find-id.ts';
import { type Asker, askChoice, canAsk } from './prompts.ts';

/** More than this is no choice any more: then the id is given. */
const CHOICES = 100;

/**
 * The id that `text` names, or that is chosen. `money`: whether the command moves money, which off a terminal takes no
 * endings. BursarError `missing_value` off a terminal, `not_found` without any.
 */
export async function customerId(
  app: App,
  asker: Asker,
  text: string | undefined,
  options = { money: false },
): Promise<string> {
  if (text !== undefined) return findId(app, 'customer', text, options);
  return askChoice(asker, {
    flag: '--customer',
    message: 'Which customer?',
    choices: canAsk(asker) ? await newestCustomers(app) : [],
  });
}

async function newestCustomers(app: App): Promise<{ value: string; name: string }[]> {
  const { customerPage } = await import('../customers/customers-store.ts');
  const customers = await customerPage(app.book.reader, CHOICES);
  if (customers.length === 0) {
    throw new BursarError('not_found', 'There is no customer yet. Nothing was done.', {
      hint: 'Make one with: bursar customers create --name "Ada Lovelace"',
    });
  }
  return customers.map(({ id, name }) => ({ value: id, name: `${name} (${id})` }));
}
