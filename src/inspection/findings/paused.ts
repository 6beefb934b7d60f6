// Pauses that stand: nothing goes out while they do, and they are easily forgotten.
import { Findings } from '../../audit/finding.ts';
import { EVERY_GATEWAY, pauses } from '../../charges/pauses-store.ts';
import { EXIT } from '../../errors.ts';
import type { Diagnosis, Patient } from '../diagnosis.ts';

export async function paused({ db }: Patient): Promise<Diagnosis> {
  const standing = await pauses(db);
  const findings = new Findings();
  for (const { scope, reason, actor, since } of standing) {
    const isEvery = scope === EVERY_GATEWAY;
    const message = `${isEvery ? 'Every gateway' : `Gateway ${scope}`} is paused by ${actor} since ${new Date(since).toISOString()}: ${reason}.`;
    findings.add(
      'paused',
      isEvery ? 'every gateway' : scope,
      message,
      `bursar resume${isEvery ? '' : ` --gateway ${scope}`} --reason WHY`,
      'warning',
    );
  }
  return {
    checked: { pauses: standing.length },
    findings: findings.list(),
    exitCode: standing.length > 0 ? EXIT.stopped : EXIT.done,
  };
}
