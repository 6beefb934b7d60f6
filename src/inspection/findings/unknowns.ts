// Attempts whose outcome nobody knows yet. Money may have moved: they come before anything else.

import { Findings } from '../../audit/finding.ts';
import { isCollecting } from '../../charges/attempt.ts';
import { openAttempts } from '../../charges/attempts-store.ts';
import { EXIT } from '../../errors.ts';
import { goneOwners } from '../../storage/lease.ts';
import type { Diagnosis, Patient } from '../diagnosis.ts';
import { money } from '../money-text.ts';

export async function unknowns({ db, nowMs }: Patient): Promise<Diagnosis> {
  const open = await openAttempts(db);
  const gone = await goneOwners(db, [...new Set(open.flatMap(({ ownerId }) => ownerId ?? []))], nowMs);
  const findings = new Findings();
  let unknown = 0;
  for (const { id, chargeId, operation, outcome, amountMinor, currency, gateway, ownerId } of open) {
    const what = `Attempt ${id} (${operation} of ${money(amountMinor, currency)} for charge ${chargeId})`;
    if (outcome === 'settling') {
      findings.add('attempt_settling', id, `${what} is settling at ${gateway}.`, 'bursar billing run', 'info');
    } else if (outcome === 'requires_action') {
      findings.add(
        'attempt_requires_action',
        id,
        `${what} waits for the customer.`,
        `bursar charges show ${chargeId}`,
        'info',
      );
    } else if (outcome === null && ownerId !== null && !gone.has(ownerId)) {
      findings.add(
        'attempt_sending',
        id,
        `${what} is being sent by a process that lives.`,
        `bursar attempts show ${id}`,
        'info',
      );
    } else {
      unknown += 1;
      const doubt = isCollecting(operation) ? 'the customer may have paid' : 'it may have been done';
      findings.add('attempt_unknown', id, `${what} has no outcome: ${doubt}.`, 'bursar billing run', 'warning');
    }
  }
  return {
    checked: { openAttempts: open.length },
    findings: findings.list(),
    exitCode: unknown > 0 ? EXIT.pending : EXIT.done,
  };
}
