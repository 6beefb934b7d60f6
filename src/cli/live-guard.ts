// What a command that moves money has to pass on a live book before it sends anything.
import type { App } from '../app.ts';
import { BursarError } from '../errors.ts';
import { type Asker, canAsk, confirm } from './prompts.ts';

/** Asks on a live book whether to do what `message` says; on a test book nobody is asked. */
export async function confirmOnLive(app: App, asker: Asker, message: () => Promise<string> | string): Promise<void> {
  if (app.book.mode === 'live') await confirm(asker, await message());
}

/** A script that is started twice must not pay twice: off a terminal, a live book takes nothing without a key. */
export function requireKeyOnLive(app: App, asker: Asker, key: string | null): void {
  if (app.book.mode !== 'live' || key !== null || canAsk(asker)) return;
  throw new BursarError(
    'missing_value',
    '--idempotency-key is missing, and a live book takes nothing without one off a terminal. Nothing was done.',
    { hint: 'Give --idempotency-key with what names this payment alone, such as an invoice number.' },
  );
}
