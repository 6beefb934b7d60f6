// The payment method of a new charge or schedule: the one that was named, else the only one there is, else asked for.
import type { App } from '../app.ts';
import { methodBlocked } from '../charges/refusals.ts';
import type { PaymentMethod } from '../customers/customer.ts';
import { methodsById, methodsOfCustomer } from '../customers/methods-store.ts';
import { BursarError } from '../errors.ts';
import { findId } from './find-id.ts';
import { type Asker, askChoice, canAsk } from './prompts.ts';

export interface MethodChoice {
  customerId: string;
  /** The value of --method. */
  named: string | undefined;
  /** The value of --gateway: only its methods fit. */
  gateway?: string | undefined;
  /**
   * The method of what the idempotency key was used for: what that was made with still counts, whatever has become of
   * the method since.
   */
  earlierMethodId: string | undefined;
  /** `charge` or `schedule`, for messages. */
  noun: string;
}

/** BursarError `not_found` without any, `method_blocked`, `missing_value` off a terminal with several, `invalid_state`. */
export async function chooseMethod(app: App, asker: Asker, choice: MethodChoice): Promise<PaymentMethod> {
  const { customerId, gateway, earlierMethodId } = choice;
  const named =
    choice.named === undefined ? earlierMethodId : await findId(app, 'method', choice.named, { money: true });
  if (named !== undefined) return checkNamed(app, named, choice);
  const all = await methodsOfCustomer(app.book.reader, customerId);
  const fitting = all.filter((method) => gateway === undefined || method.gateway === gateway);
  const usable = fitting.filter(({ blockedAt }) => blockedAt === null);
  const [only, ...others] = usable;
  const [blocked] = fitting;
  if (only === undefined) throw blocked === undefined ? noMethod(choice) : methodBlocked(blocked);
  if (others.length === 0) return only;
  if (!canAsk(asker)) throw severalMethods(choice, usable);
  const choices = usable.map((method) => ({ value: method.id, name: describe(method) }));
  const chosen = await askChoice(asker, { flag: '--method', message: 'Which payment method?', choices });
  return usable.find(({ id }) => id === chosen) ?? only;
}

async function checkNamed(app: App, id: string, choice: MethodChoice): Promise<PaymentMethod> {
  const method = (await methodsById(app.book.reader, [id])).get(id);
  if (method === undefined) throw noMethod(choice);
  if (choice.earlierMethodId !== undefined) return method;
  const fault = faultOf(method, choice);
  if (fault === null) return method;
  throw new BursarError('invalid_state', `Payment method ${id} ${fault}. No ${choice.noun} was created.`, {
    hint: `See the customer's own with: bursar methods list --customer ${choice.customerId}`,
  });
}

function faultOf(method: PaymentMethod, { customerId, gateway }: MethodChoice): string | null {
  if (method.customerId !== customerId) return `belongs to another customer than ${customerId}`;
  if (method.removedAt !== null) return 'was removed';
  return gateway === undefined || method.gateway === gateway
    ? null
    : `is of gateway ${method.gateway}, not of ${gateway}`;
}

function noMethod({ customerId, gateway, noun }: MethodChoice): BursarError {
  const where = gateway === undefined ? '' : ` at ${gateway}`;
  return new BursarError('not_found', `Customer ${customerId} has no payment method${where}. No ${noun} was created.`, {
    hint: `Add one with: bursar methods add --customer ${customerId} --gateway ${gateway ?? 'simulated'} --token tok_approved`,
  });
}

function severalMethods({ customerId, noun }: MethodChoice, methods: readonly PaymentMethod[]): BursarError {
  return new BursarError(
    'missing_value',
    `--method is missing, and customer ${customerId} has ${methods.length} payment methods. No ${noun} was created.`,
    { hint: `Give --method with one of: ${methods.map(describe).join('; ')}` },
  );
}

function describe({ id, gateway, brand, last4 }: PaymentMethod): string {
  const card = [brand, last4 === null ? null : `…${last4}`].filter((part) => part !== null);
  return `${id} (${[gateway, ...card].join(' ')})`;
}
