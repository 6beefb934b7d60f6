// A book that may not send, since more was sent from it than it knows; or one of which nobody here would notice that.
import { Findings } from '../../audit/finding.ts';
import { readGuard, reconciledGateways } from '../../charges/guard-store.ts';
import { quarantineReason } from '../../charges/quarantine.ts';
import { EXIT } from '../../errors.ts';
import type { Diagnosis, Patient } from '../diagnosis.ts';

export async function quarantine({ db, mark }: Patient): Promise<Diagnosis> {
  const row = await readGuard(db);
  const known = await mark;
  const reason = quarantineReason(row, known ?? 0);
  const findings = new Findings();
  if (reason !== null) {
    const done = [...(await reconciledGateways(db))];
    const sofar = done.length === 0 ? '' : ` Reconciled so far: ${done.join(', ')}.`;
    const message = `The book is in quarantine: ${reason}. Nothing is sent from it.${sofar}`;
    findings.add('quarantined', 'book', message, 'bursar reconcile run');
  } else if (known === 0 && row.openSequence > 0) {
    const message =
      'This book has sent, and your state directory knows nothing of it: an older copy of the book would not be noticed by you. Whoever sends from it should share one BURSAR_STATE_DIR.';
    findings.add('mark_missing', 'book', message, 'bursar config show', 'warning');
  }
  const exitCode = reason === null ? EXIT.done : EXIT.stopped;
  return { checked: {}, findings: findings.list(), exitCode, summary: reason === null ? 'none' : 'nothing is sent' };
}
