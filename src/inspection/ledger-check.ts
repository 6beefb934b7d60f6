// `ledger check`: what must always hold of a book, recomputed from the rows that cause it. Everything is read from one
// snapshot, so it can run while others bill. Each finding names the row and what to run next.

import { type Finding, Findings } from '../audit/finding.ts';
import { verifyAudit } from '../audit/verify.ts';
import type { Db } from '../storage/db.ts';
import { danglingRows, integrityProblems } from '../storage/integrity-store.ts';
import { ASKED_PER_KIND } from './asked.ts';
import { checkCharges } from './charge-checks.ts';
import { countRows } from './charge-checks-store.ts';
import { checkPostings } from './posting-checks.ts';
import { suspenseFindings } from './suspense.ts';

/** `bursar.check/1`. */
export interface LedgerCheck {
  schema: 'bursar.check/1';
  ok: boolean;
  checked: {
    charges: number;
    attempts: number;
    refunds: number;
    entries: number;
    postings: number;
    auditRows: number;
    seals: number;
  };
  findings: Finding[];
}

/** No command mends a file. */
const RESTORE = 'Put the newest backup that passes this check in its place.';
const CHECK_BACKUP = 'bursar ledger check --deep --book BACKUP';

/** `db` should be a snapshot. `deep` also compares every index with its table, which takes several times as long. */
export async function checkLedger(db: Db, options: { deep: boolean }): Promise<LedgerCheck> {
  const findings = new Findings();
  await checkFile(db, options.deep, findings);
  await checkCharges(db, findings);
  await checkPostings(db, findings);
  const audit = await verifyAudit(db, null);
  findings.addAll(audit.findings);
  const { rows: auditRows, seals } = audit.checked;
  const checked = { ...(await countRows(db)), auditRows, seals };
  const ok = findings.count === 0;
  // Money in suspense is no fault of the book: it waits for a person.
  return { schema: 'bursar.check/1', ok, checked, findings: [...findings.list(), ...(await suspenseFindings(db))] };
}

async function checkFile(db: Db, deep: boolean, findings: Findings): Promise<void> {
  for (const problem of await integrityProblems(db, deep, ASKED_PER_KIND)) {
    findings.add('file_damaged', null, `The database file is damaged: ${problem}. ${RESTORE}`, CHECK_BACKUP);
  }
  for (const { table, rowid, parent } of await danglingRows(db, ASKED_PER_KIND)) {
    const subject = rowid === null ? table : `${table} row ${rowid}`;
    findings.add(
      'row_dangling',
      subject,
      `A row of ${table} (${subject}) names a row of ${parent} that is not there. ${RESTORE}`,
      CHECK_BACKUP,
    );
  }
}
