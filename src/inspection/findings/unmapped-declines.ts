// Provider codes that the gateway's table does not map: they are retried as soft, which may be wrong for what they mean.
import { Findings, NAMED_PER_KIND } from '../../audit/finding.ts';
import { EXIT } from '../../errors.ts';
import { unmappedDeclinesSince } from '../attempt-findings-store.ts';
import type { Diagnosis, Patient } from '../diagnosis.ts';

const DAYS = 7;
const DAY_MS = 86_400_000;

export async function unmappedDeclines({ db, nowMs }: Patient): Promise<Diagnosis> {
  const found = await unmappedDeclinesSince(db, nowMs - DAYS * DAY_MS, NAMED_PER_KIND + 1);
  const findings = new Findings();
  for (const { gateway, providerCode, count, newest } of found) {
    const message = `${gateway} declined ${count === 1 ? 'an attempt' : `${count} attempts`} in ${DAYS} days with ${providerCode === null ? 'no code' : `the code ${providerCode}`}, which is not mapped: it is retried as a soft decline.`;
    findings.add(
      'decline_unmapped',
      `${gateway} ${providerCode ?? ''}`.trim(),
      message,
      `bursar attempts show ${newest}`,
      'warning',
    );
  }
  const summary = `${found.length} unmapped ${found.length === 1 ? 'code' : 'codes'} in ${DAYS} days`;
  return { checked: { unmappedDeclineCodes: found.length }, findings: findings.list(), exitCode: EXIT.done, summary };
}
