// The audit log as a CSV file with its manifest and the file's hash, against what the sqlite3 program needs for a CSV of
// the same rows and the same columns: ISO time, decimal amount, seal and leaf included, but without a hash, a manifest or
// fsync. Its CSV of the rows as they are stored, each with its seal and leaf, is shown beside it.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildBigBook } from './big-book.ts';
import { bursar, run } from './child.ts';
import { alternate, report, reportLimit } from './rounds.ts';

const ROWS = Number(process.env.BENCH_ROWS ?? 1_000_000);
const ROUNDS = 5;
const SQLITE3 = '/usr/bin/sqlite3';

const FROM = 'FROM audit_rows a LEFT JOIN seal_members m ON m.audit_sequence = a.sequence ORDER BY sequence';
const TEXTS =
  'actor, host, command, subject, action, before, after, result, reason, customer_id, charge_id, gateway, status';
const STORED = `SELECT id, at, ${TEXTS}, currency, amount_minor, hash, seal_sequence, leaf_index ${FROM}`;
// All amounts of the book have two decimals.
const EXPORTED = `SELECT id, strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, 'unixepoch') AS at, at AS at_ms, ${TEXTS}, currency,
  amount_minor, printf('%.2f', amount_minor / 100.0) AS amount, hash, seal_sequence AS seal, leaf_index AS leaf ${FROM}`;

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
          name: 'sqlite3 -csv, columns of the file',
          prepare: () => rmSync(floor, { force: true }),
          run: async () => (await run(SQLITE3, ['-readonly', '-csv', book, EXPORTED], { out: floor })).ms,
        },
        {
          name: 'sqlite3 -csv, columns as stored',
          prepare: () => rmSync(floor, { force: true }),
          run: async () => (await run(SQLITE3, ['-readonly', '-csv', book, STORED], { out: floor })).ms,
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
