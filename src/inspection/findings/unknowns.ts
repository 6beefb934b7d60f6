// Attempts whose outcome nobody knows yet. Money may have moved: they come before anything else.

import { Findings, NAMED_PER_KIND } from '../../audit/finding.ts';
import { isCollecting } from '../../charges/attempt.ts';
import { EXIT } from '../../errors.ts';
import { goneOwners } from '../../storage/lease.ts';
import { type OpenAttempt, type OpenGroup, oldestOpen, openGroups } from '../attempt-findings-store.ts';
import type { Diagnosis, Patient } from '../diagnosis.ts';
import { money } from '../money-text.ts';

export async function unknowns({ db, nowMs }: Patient): Promise<Diagnosis> {
  const groups = await openGroups(db);
  const gone = await goneOwners(db, [...new Set(groups.flatMap(({ ownerId }) => ownerId ?? []))], nowMs);
  const isSending = ({ outcome, ownerId }: OpenGroup): boolean =>
    outcome === null && ownerId !== null && !gone.has(ownerId);
  const kinds: Record<string, OpenGroup[]> = {
    attempt_unknown: groups.filter(
      (group) => !isSending(group) && (group.outcome === null || group.outcome === 'unknown'),
    ),
    attempt_settling: groups.filter(({ outcome }) => outcome === 'settling'),
    attempt_requires_action: groups.filter(({ outcome }) => outcome === 'requires_action'),
    attempt_sending: groups.filter(isSending),
  };
  const findings = new Findings();
  for (const [code, ofKind] of Object.entries(kinds)) await name(code, ofKind);
  return {
    checked: { openAttempts: countOf(groups) },
    findings: findings.list(),
    exitCode: countOf(kinds.attempt_unknown ?? []) > 0 ? EXIT.pending : EXIT.done,
  };

  async function name(code: string, ofKind: readonly OpenGroup[]): Promise<void> {
    const named: OpenAttempt[] = [];
    for (const outcome of new Set(ofKind.map((group) => group.outcome))) {
      const owners = ofKind.filter((group) => group.outcome === outcome).map(({ ownerId }) => ownerId);
      named.push(...(await oldestOpen(db, outcome, owners, NAMED_PER_KIND - named.length)));
    }
    for (const attempt of named) {
      const { message, command } = wordsOf(code, attempt);
      findings.add(code, attempt.id, message, command, code === 'attempt_unknown' ? 'warning' : 'info');
    }
    const more = countOf(ofKind) - named.length;
    if (more <= 0) return;
    const message = `${more} more attempts like these (${code.replace('attempt_', '')}).`;
    const severity = code === 'attempt_unknown' ? 'warning' : 'info';
    findings.add(code.replace('attempt_', 'attempts_'), null, message, 'bursar attempts list --open --all', severity);
  }
}

const countOf = (groups: readonly OpenGroup[]): number => groups.reduce((sum, { count }) => sum + count, 0);

function wordsOf(code: string, attempt: OpenAttempt): { message: string; command: string } {
  const { id, chargeId, operation, amount, currency, gateway } = attempt;
  const what = `Attempt ${id} (${operation} of ${money(amount, currency)} for charge ${chargeId})`;
  switch (code) {
    case 'attempt_settling':
      return { message: `${what} is settling at ${gateway}.`, command: 'bursar billing run' };
    case 'attempt_requires_action':
      return { message: `${what} waits for the customer.`, command: `bursar charges show ${chargeId}` };
    case 'attempt_sending':
      return { message: `${what} is being sent by a process that lives.`, command: `bursar attempts show ${id}` };
    default: {
      const doubt = isCollecting(operation) ? 'the customer may have paid' : 'it may have been done';
      return { message: `${what} has no outcome: ${doubt}.`, command: 'bursar billing run' };
    }
  }
}
