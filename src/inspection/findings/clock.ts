// A clock that can't be right: nothing is sent while it is not.
import { Findings } from '../../audit/finding.ts';
import { clockReason } from '../../charges/clock-guard.ts';
import { readGuard } from '../../charges/guard-store.ts';
import { EXIT } from '../../errors.ts';
import type { Diagnosis, Patient } from '../diagnosis.ts';

const ACCEPT = 'bursar doctor clock accept --reason WHY';

export async function clock({ db, nowMs }: Patient): Promise<Diagnosis> {
  const row = await readGuard(db);
  const findings = new Findings();
  const back = clockReason(row, nowMs, null);
  if (back !== null) {
    const message = `The clock of this machine can't be right: ${back}. Nothing is sent. Set it right first.`;
    findings.add('clock_back', 'clock', message, ACCEPT);
  }
  for (const gateway of row.clockFaults.keys()) {
    const off = clockReason({ ...row, latestTime: 0 }, nowMs, gateway);
    const message = `The clock of this machine can't be right: ${off}. Nothing is sent there. Set it right first.`;
    findings.add('clock_off', gateway, message, ACCEPT);
  }
  const isWrong = findings.count > 0;
  return {
    checked: {},
    findings: findings.list(),
    exitCode: isWrong ? EXIT.stopped : EXIT.done,
    summary: isWrong ? 'wrong' : 'agrees with what the book and the gateways have seen',
  };
}
