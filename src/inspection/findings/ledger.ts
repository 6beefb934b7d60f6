// Everything that `ledger check` finds: what stands in the book can't be relied on until it is explained.
import { EXIT } from '../../errors.ts';
import type { Diagnosis, Patient } from '../diagnosis.ts';
import { checkLedger } from '../ledger-check.ts';

export async function ledger({ db }: Patient): Promise<Diagnosis> {
  const { ok, checked, findings } = await checkLedger(db, { deep: false });
  return { checked, findings, exitCode: ok ? EXIT.done : EXIT.integrity };
}
