// Charges that no policy will try again by itself: someone has to decide.
import { Findings, NAMED_PER_KIND } from '../../audit/finding.ts';
import { chargePage, countExhausted } from '../../charges/charge-lists-store.ts';
import { EXIT } from '../../errors.ts';
import type { Diagnosis, Patient } from '../diagnosis.ts';
import { money } from '../money-text.ts';

export async function exhausted({ db }: Patient): Promise<Diagnosis> {
  const filter = { statuses: ['exhausted' as const] };
  const count = await countExhausted(db);
  const findings = new Findings();
  for (const { id, amountMinor, currency, declineCode } of await chargePage(db, filter, NAMED_PER_KIND)) {
    const message = `Charge ${id} of ${money(amountMinor, currency)} will not be tried again (${declineCode ?? 'no reason known'}).`;
    findings.add('charge_exhausted', id, message, `bursar charges show ${id}`, 'warning');
  }
  if (count > NAMED_PER_KIND) {
    const message = `${count - NAMED_PER_KIND} more charges will not be tried again.`;
    findings.add('charges_exhausted', null, message, 'bursar charges list --status exhausted --all', 'warning');
  }
  return { checked: { exhaustedCharges: count }, findings: findings.list(), exitCode: EXIT.done };
}
