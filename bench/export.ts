// The audit log as a CSV file with its manifest and the file's hash, against what the sqlite3 program needs for the same
// rows as they are stored, each with its seal and leaf: no hash, no manifest, no ISO times, no decimal amounts, no fsync.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildBigBook } from './big-book.ts';
import { bursar, run } from './child.ts';
import { alternate, report, reportLimit } from './rounds.ts';

const ROWS = Number(process.env.BENCH_ROWS ?? 1_000_000);
const ROUNDS = 5;
const SQLITE3 = '/usr/bin/sqlite3';

const COLUMNS =
  'id, at, actor, host, command, subject, action, before, after, result, reason, customer_id, charge_id, gateway, status, ' +
  'currency, amount_minor, hash, seal_sequence, leaf_index';
const SQL = `SELECT ${COLUMNS} FROM audit_rows a LEFT JOIN seal_members m ON m.audit_sequence = a.sequence ORDER BY sequence`;

export async function bench(): Promise<boolean> {
  if (!existsSync(SQLITE3)) {
    console.log(`no floor: there is no ${SQLITE3}`);
    return false;
  }
  const folder = mkdtempSync(join(tmpdir(), 'bursar-bench-'));
  const book = join(folder, 'book.db');
  const floor = join(folder, 'floor.csv');
  const out = join(folder, 'audit.csv');
  const peaks: number[] = [];
  try {
    await buildBigBook(book, { auditRows: ROWS, hashes: true });
    const timed = await alternate(
      [
        {
          name: 'sqlite3 -csv',
          prepare: () => rmSync(floor, { force: true }),
          run: async () => (await run(SQLITE3, ['-readonly', '-csv', book, SQL], { out: floor })).ms,
        },
        {
          name: 'bursar audit export',
          prepare: () => rmSync(out, { force: true }),
          run: async () => {
            const { ms, peakMb } = await bursar(['audit', 'export', '--book', book, '--out', out, '--force']);
            peaks.push(peakMb);
            return ms;
          },
          goal: { atMost: 1.0 },
        },
      ],
      ROUNDS,
    );
    const isQuick = report(timed, ROWS);
    return reportLimit('memory', Math.max(...peaks), 'MB', 150) && isQuick;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
