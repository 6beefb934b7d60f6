// A book that may not send, since more was sent from it than it knows.
import { Findings } from '../../audit/finding.ts';
import { readGuard, reconciledGateways } from '../../charges/guard-store.ts';
import { quarantineReason } from '../../charges/quarantine.ts';
import { EXIT } from '../../errors.ts';
import type { Diagnosis, Patient } from '../diagnosis.ts';

export async function quarantine({ db, mark }: Patient): Promise<Diagnosis> {
  const reason = quarantineReason(await readGuard(db), (await mark) ?? 0);
  const findings = new Findings();
  if (reason !== null) {
    const done = [...(await reconciledGateways(db))];
    const sofar = done.length === 0 ? '' : ` Reconciled so far: ${done.join(', ')}.`;
    const message = `The book is in quarantine: ${reason}. Nothing is sent from it.${sofar}`;
    findings.add('quarantined', 'book', message, 'bursar reconcile run');
  }
  const exitCode = reason === null ? EXIT.done : EXIT.stopped;
  return { checked: {}, findings: findings.list(), exitCode, summary: reason === null ? 'none' : 'nothing is sent' };
}
