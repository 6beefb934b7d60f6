// Methods that are never charged again and that active schedules still name: each next period would be given up unsent.
import { Findings } from '../../audit/finding.ts';
import { EXIT } from '../../errors.ts';
import { ASKED_PER_KIND } from '../asked.ts';
import type { Diagnosis, Patient } from '../diagnosis.ts';
import { deadMethodsInUse } from '../schedule-findings-store.ts';

export async function blockedMethods({ db }: Patient): Promise<Diagnosis> {
  const dead = await deadMethodsInUse(db, ASKED_PER_KIND);
  const findings = new Findings();
  for (const { id, customerId, blockedCode, schedules } of dead) {
    const why = blockedCode === null ? 'was removed' : `was blocked (${blockedCode})`;
    const users = schedules === 1 ? 'an active schedule' : `${schedules} active schedules`;
    const message = `Payment method ${id} of customer ${customerId} ${why}, and ${users} still ${schedules === 1 ? 'charges' : 'charge'} it: the next period is given up.`;
    const command = `bursar methods add --customer ${customerId} --replaces ${id}`;
    findings.add('method_dead', id, message, command, 'warning');
  }
  const summary = `${dead.length === 0 ? 'none' : dead.length} that ${dead.length > 1 ? 'are' : 'is'} blocked or removed in use`;
  return { checked: { deadMethodsInUse: dead.length }, findings: findings.list(), exitCode: EXIT.done, summary };
}
