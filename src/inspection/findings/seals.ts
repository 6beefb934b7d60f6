// How old the newest seal is, and how much of the audit log no seal covers yet. Every command that writes seals when it
// ends, so rows that stay unsealed tell of processes that died, or of sealing that fails.
import { lastSeal, unsealedRows } from '../../audit/audit-store.ts';
import { Findings } from '../../audit/finding.ts';
import { EXIT } from '../../errors.ts';
import type { Diagnosis, Patient } from '../diagnosis.ts';

const HOUR_MS = 3_600_000;

export async function seals({ db, nowMs }: Patient): Promise<Diagnosis> {
  const newest = await lastSeal(db);
  const { count, oldestAt } = await unsealedRows(db);
  const findings = new Findings();
  if (oldestAt !== null && nowMs - oldestAt > HOUR_MS) {
    const rows = count === 1 ? 'A row of the audit log is' : `${count} rows of the audit log are`;
    const message = `${rows} not sealed yet, since ${iso(oldestAt)} at the longest: until then nothing shows that they were not changed.`;
    findings.add('rows_unsealed', null, message, 'bursar audit seal', 'warning');
  }
  const last = newest === null ? 'no seal yet' : `seal ${newest.sequence} of ${iso(newest.sealedAt)}`;
  const summary = `${last}, ${count} ${count === 1 ? 'row' : 'rows'} unsealed`;
  return { checked: { unsealedRows: count }, findings: findings.list(), exitCode: EXIT.done, summary };
}

const iso = (timeMs: number): string => new Date(timeMs).toISOString();
