// `audit export` and the verification of what it wrote: the same bytes as the plain rules, proofs of every part, and
// nothing left behind when it fails.
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AuditFilter } from '../../src/audit/audit-rows-store.ts';
import { type AuditRow, lastSequenceOf } from '../../src/audit/audit-store.ts';
import { csvLine, escapeCell } from '../../src/audit/csv.ts';
import { decimalAmount, EXPORT_COLUMNS } from '../../src/audit/export-columns.ts';
import type { ExportFormat } from '../../src/audit/export-store.ts';
import type { HashedFields } from '../../src/audit/row-hash.ts';
import { sealPending } from '../../src/audit/seal.ts';
import { verifyFile } from '../../src/audit/verify-file.ts';
import { select } from '../../src/storage/batch.ts';
import { writeTrx } from '../../src/storage/trx.ts';
import { type AuditBook, auditBook } from '../support/audit-book.ts';
import { runProcess } from '../support/cli.ts';
import { tamper } from '../support/tamper.ts';

let log: AuditBook;
beforeEach(async () => {
  log = await auditBook();
});
afterEach(() => log.close());

test('an export ends with the rows of its head, whatever is sealed meanwhile', async () => {
  await log.append([{}, {}]);
  await log.append([{}, {}, {}]);
  expect(await lastSequenceOf(log.book.reader, 1)).toBe(2);
  expect(await lastSequenceOf(log.book.reader, 2)).toBe(5);
  expect((await log.export()).rows).toBe(5);
});

interface StoredRow extends AuditRow {
  seal: number | null;
  leaf: number | null;
}

const storedRows = (): Promise<StoredRow[]> =>
  select(
    log.book.reader,
    `SELECT a.*, m.seal_sequence AS seal, m.leaf_index AS leaf FROM audit_rows a
       LEFT JOIN seal_members m ON m.audit_sequence = a.sequence ORDER BY a.sequence`,
  );

/** The file as it has to be, by the plain rules. */
function plainFile(rows: readonly StoredRow[], format: ExportFormat): string {
  const records = rows.map((row) => {
    const minor = row.amount_minor === null ? null : BigInt(row.amount_minor);
    const values: Record<string, string | number | null> = {
      ...row,
      at: new Date(row.at).toISOString(),
      at_ms: row.at,
      amount: decimalAmount(minor, row.currency),
    };
    return EXPORT_COLUMNS.map((column) => [column, values[column] ?? null] as const);
  });
  if (format === 'ndjson') return records.map((record) => `${JSON.stringify(Object.fromEntries(record))}\n`).join('');
  // A decimal amount is a number: bare, even if negative.
  const cell = (column: string, value: string | number | null): string =>
    column === 'amount' ? (value ?? '').toString() : escapeCell(value);
  const lines = records.map((record) => `${record.map(([column, value]) => cell(column, value)).join()}\r\n`);
  return csvLine(EXPORT_COLUMNS) + lines.join('');
}

const verify = (name = 'audit.csv', head: string | null = null) =>
  verifyFile(log.path(name), `${log.path(name)}.manifest.json`, head);
const codes = async (name?: string, head?: string): Promise<string[]> =>
  (await verify(name, head)).findings.map(({ code }) => code);

const hostile = fc.oneof(
  fc.constantFrom('plain', 'two words', 'sale.settle', '{"a":1}', '{}', '', ' ', 'null'),
  fc.string({
    maxLength: 8,
    unit: fc.constantFrom('"', ',', '\r', '\n', '\t', ' ', "'", '=', '+', '-', '@', 'A', '{', '\0', '😀', '\u2028'),
  }),
  fc.string({ unit: 'binary', maxLength: 6 }),
);
const nullable = fc.option(hostile, { freq: 3 });
const hostileRow: fc.Arbitrary<Partial<HashedFields>> = fc.record(
  {
    actor: hostile,
    command: hostile,
    subject: hostile,
    action: hostile,
    before: nullable,
    after: nullable,
    result: hostile,
    reason: nullable,
    status: nullable,
    currency: fc.oneof(fc.constantFrom('USD', 'JPY', 'KWD', 'CLF', 'XXX', null), nullable),
    amount_minor: fc.oneof(
      fc.constantFrom(0, 1, 5, 99, 100, -1, -105, 10 ** 15, 10 ** 15 + 1, 2 ** 53 - 1, null),
      fc.integer(),
    ),
    at: fc.integer({ min: 0, max: 4102444800000 }),
  },
  { requiredKeys: [] },
);

test.each<ExportFormat>(['csv', 'ndjson'])(
  '%s: the bytes of the plain rules, whatever the cells hold, and it verifies',
  async (format) => {
    await fc.assert(
      fc.asyncProperty(fc.array(hostileRow, { minLength: 1, maxLength: 6 }), async (rows) => {
        await log.append(rows);
        await log.export({ format, force: true });
        const text = await readFile(log.path('audit.csv'), 'utf8');
        // The row of the export itself was written after the file.
        const expected = plainFile((await storedRows()).slice(0, -1), format);
        expect(text).toBe(expected);
        expect(await verify()).toMatchObject({ ok: true, findings: [] });
      }),
      { numRuns: 60 },
    );
  },
);

test('text that would pass for a quoted cell is not taken for one', async () => {
  // Columns shift so that a bare quote stands where JSON is expected, and the number of cells comes out right.
  await log.append([
    { subject: 's,x,"abc,,,,,', before: null, after: null, result: 'r', reason: '"' },
    { actor: 'a,"b' },
  ]);
  await log.export();
  expect(plainFile(await storedRows(), 'csv').startsWith(await readFile(log.path('audit.csv'), 'utf8'))).toBe(true);
});

/** Five seals of seven rows that differ in everything a filter looks at. */
async function variedLog(): Promise<void> {
  for (let seal = 0; seal < 5; seal += 1) {
    await log.append(
      Array.from({ length: 7 }, (_, index) => ({
        customer_id: `cus_${index % 2}`,
        gateway: seal === 2 ? 'other' : 'simulated',
        status: ['captured', 'failed', null][index % 3] ?? null,
        action: ['sale.settle', 'sale.open', 'refund.settle', 'charge.create'][(seal + index) % 4] ?? '',
        result: index === 3 ? 'duplicate' : 'approved',
        currency: index === 6 ? null : (['USD', 'JPY'][seal % 2] ?? null),
      })),
    );
  }
}

const start = Date.UTC(2026, 0, 15, 12);
const FILTERS: [name: string, filter: AuditFilter, rows: number][] = [
  ['everything', {}, 35],
  ['since', { sinceMs: start + 10_000 }, 26],
  ['until', { untilMs: start + 10_000 }, 9],
  ['a range inside of one seal', { sinceMs: start + 16_000, untilMs: start + 18_000 }, 2],
  ['customer', { customerId: 'cus_1' }, 15],
  ['gateway', { gateway: 'other' }, 7],
  ['seals that do not touch', { gateway: 'simulated', sinceMs: start + 12_000, untilMs: start + 24_000 }, 5],
  ['status', { status: 'failed' }, 10],
  ['kind', { kind: 'sale.settle' }, 9],
  ['the first word of a kind', { kind: 'sale' }, 18],
  ['all together', { customerId: 'cus_0', gateway: 'simulated', status: 'captured', kind: 'sale', sinceMs: start }, 4],
  ['nothing', { kind: 'nothing' }, 0],
];

describe.each(['csv', 'ndjson'] as const)('%s', (format) => {
  test.each(FILTERS)('a part that can be proved: %s', async (_, filter, rows) => {
    await variedLog();
    const result = await log.export({ filter, format });
    expect(result.rows).toBe(rows);
    const checked = { rows, sealed: rows };
    expect(await verify('audit.csv', result.head?.sealHash)).toMatchObject({ ok: true, checked, findings: [] });
  });
});

test('the manifest: totals of money moved, the head before the export, seals with headers between', async () => {
  await variedLog();
  const { totals, head, sha256 } = await log.export({ filter: { customerId: 'cus_0' } });
  const sumOf = (code: string, result: string) => {
    const counts = (row: StoredRow): boolean =>
      row.customer_id === 'cus_0' && row.currency === code && row.action === 'sale.settle' && row.result === result;
    return storedRows().then((rows) => rows.filter(counts).length);
  };
  expect(totals.map(({ currency }) => currency)).toEqual(['USD']);
  const [captured, duplicate] = [await sumOf('USD', 'approved'), await sumOf('USD', 'duplicate')];
  expect(captured).toBeGreaterThan(0);
  expect(totals[0]).toMatchObject({
    capturedCount: captured,
    capturedMinor: String(1250 * captured),
    duplicateCount: duplicate,
    duplicateMinor: String(1250 * duplicate),
  });
  const manifest = JSON.parse(await readFile(log.path('audit.csv.manifest.json'), 'utf8'));
  expect(manifest).toMatchObject({
    totals,
    head,
    sha256,
    rows: 20,
    format: 'csv',
    filters: { customer: 'cus_0', since: null },
  });
  expect(manifest.seals.map(({ sequence }: { sequence: number }) => sequence)).toEqual([1, 2, 3, 4, 5]);
  expect(head?.sequence).toBe(5);
  const rows = await storedRows();
  expect(rows.at(-1)).toMatchObject({ action: 'audit.export', subject: 'audit.csv', seal: null });
});

test('rows that were not sealed are sealed first', async () => {
  await log.append([{}, {}], { seal: false });
  expect(await log.export()).toMatchObject({ rows: 2, head: { sequence: 1, count: 2 } });
});

test('an empty log', async () => {
  expect(await log.export()).toMatchObject({ rows: 0, head: null, totals: [] });
  expect(await verify()).toMatchObject({ ok: true, checked: { rows: 0, seals: 0, head: null } });
});

const lines = async (): Promise<string[]> => (await readFile(log.path('audit.csv'), 'utf8')).split('\r\n');
const rewrite = async (change: (lines: string[]) => string[]): Promise<void> => {
  await writeFile(log.path('audit.csv'), change(await lines()).join('\r\n'));
};

test.each<[string, (lines: string[]) => string[], string, AuditFilter]>([
  [
    'an edited cell',
    (all) => all.map((line, at) => (at === 3 ? line.replace('ops', 'nobody') : line)),
    'row_edited',
    {},
  ],
  [
    'an edited decimal amount',
    (all) =>
      all.map((line, at) => (at === 3 ? line.replace('12.50', '99.50').replace(',1250,1250,', ',1250,9999,') : line)),
    'row_edited',
    {},
  ],
  [
    'an edited seal',
    (all) => all.map((line, at) => (at === 3 ? line.replace(/,1,2$/, ',2,2') : line)),
    'row_reordered',
    {},
  ],
  ['a deleted row', (all) => all.toSpliced(3, 1), 'row_deleted', {}],
  ['a deleted row of a part', (all) => all.toSpliced(3, 1), 'row_deleted', { kind: 'sale' }],
  ['the last row deleted', (all) => all.toSpliced(-2, 1), 'row_deleted', {}],
  ['a repeated row', (all) => all.toSpliced(3, 0, all[3] ?? ''), 'row_reordered', {}],
  ['rows that have changed places', (all) => all.toSpliced(3, 2, all[4] ?? '', all[3] ?? ''), 'row_reordered', {}],
  ['a cell too many', (all) => all.map((line, at) => (at === 3 ? `${line},` : line)), 'row_malformed', {}],
  [
    'a number that is none',
    (all) => all.map((line, at) => (at === 3 ? line.replace(/,2$/, ',two') : line)),
    'row_malformed',
    {},
  ],
  ['an open quote', (all) => all.map((line, at) => (at === 3 ? `"${line}` : line)), 'row_malformed', {}],
  ['another heading', (all) => ['id,what', ...all.slice(1)], 'row_malformed', {}],
])('a file that was tampered with: %s', async (_, change, code, filter) => {
  await variedLog();
  await log.export({ filter });
  await rewrite(change);
  const found = await codes();
  expect(found).toContain('file_hash');
  expect(found).toContain(code);
});

test.each<[string, AuditFilter, object]>([
  ['since', {}, { since: '2090-01-01T00:00:00.000Z' }],
  ['until', {}, { until: '2001-01-01T00:00:00.000Z' }],
  ['customer', { customerId: 'cus_0' }, { customer: 'cus_1' }],
  ['gateway', { gateway: 'other' }, { gateway: 'simulated' }],
  ['status', { status: 'failed' }, { status: 'captured' }],
  ['kind', { kind: 'refund' }, { kind: 'ref' }],
])('a manifest that says another filter: %s', async (name, filter, filters) => {
  await variedLog();
  await log.export({ filter });
  const path = `${log.path('audit.csv')}.manifest.json`;
  const manifest = JSON.parse(await readFile(path, 'utf8'));
  await writeFile(path, JSON.stringify({ ...manifest, filters: { ...manifest.filters, ...filters } }));
  const { findings } = await verify();
  expect(new Set(findings.map(({ code }) => code))).toEqual(new Set(['row_outside']));
  expect(findings[0]?.message).toContain(`the filter "${name}"`);
});

test('the line of an edited row is told, behind cells with line breaks', async () => {
  await log.append([{ reason: 'one\r\ntwo\nthree' }, { actor: 'someone' }]);
  await log.export();
  await rewrite((all) => all.map((line) => line.replace('someone', 'nobody')));
  const { findings } = await verify();
  expect(findings.find(({ code }) => code === 'row_edited')?.message).toMatch(/^Row au_\w+ on line 5 does not/);
});

test.each<[string, (manifest: Record<string, never> & { seals: Record<string, unknown>[] }) => void, string]>([
  ['its hash of the file', (m) => Object.assign(m, { sha256: '0'.repeat(64) }), 'file_hash'],
  ['its size of the file', (m) => Object.assign(m, { bytes: 1 }), 'file_size'],
  ['its count of rows', (m) => Object.assign(m, { rows: 1 }), 'row_count'],
  ['its totals', (m) => Object.assign(m, { totals: [] }), 'totals'],
  ['its columns', (m) => Object.assign(m, { columns: ['id'] }), 'manifest_columns'],
  ['its head', (m) => Object.assign(m, { head: null }), 'seal_chain'],
  ['a root', (m) => Object.assign(m.seals[1] ?? {}, { root: '0'.repeat(64) }), 'seal_root'],
  ['a time', (m) => Object.assign(m.seals[1] ?? {}, { sealedAt: '2026-01-01T00:00:00.000Z' }), 'seal_hash'],
  ['a missing seal', (m) => void m.seals.splice(2, 1), 'seal_chain'],
  ['a missing header of the seals between', (m) => void m.seals.splice(2, 1), 'seal_chain'],
  ['a proof', (m) => Object.assign(m.seals[1] ?? {}, { proof: [] }), 'row_deleted'],
])('a manifest that was tampered with: %s', async (_, change, code) => {
  await variedLog();
  await log.export({ filter: { customerId: 'cus_0' } });
  const path = log.path('audit.csv.manifest.json');
  const manifest = JSON.parse(await readFile(path, 'utf8'));
  change(manifest);
  await writeFile(path, JSON.stringify(manifest));
  expect(await codes()).toContain(code);
});

test('a row edited with its hash, and the hash of the file made to fit: the seal tells', async () => {
  await variedLog();
  await log.export({ filter: { customerId: 'cus_0' } });
  const { rowHash } = await import('../../src/audit/row-hash.ts');
  const [row] = await storedRows();
  if (row === undefined) throw new Error('no row');
  await rewrite((all) =>
    all.map((line) =>
      line
        .replace(row.hash, rowHash({ ...row, actor: 'nobody' }))
        .replace(new RegExp(`^(${row.id}.*),ops,`), '$1,nobody,'),
    ),
  );
  const bytes = await readFile(log.path('audit.csv'));
  const { createHash } = await import('node:crypto');
  const path = log.path('audit.csv.manifest.json');
  const manifest = JSON.parse(await readFile(path, 'utf8'));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  await writeFile(path, JSON.stringify({ ...manifest, sha256, bytes: bytes.length }));
  expect(await codes()).toEqual(['seal_root']);
});

test('a head kept elsewhere', async () => {
  await variedLog();
  const { head } = await log.export();
  expect(await codes('audit.csv', head?.sealHash)).toEqual([]);
  expect(await codes('audit.csv', '0'.repeat(64))).toEqual(['head_missing']);
});

test('an export of a book that was tampered with does not verify', async () => {
  await variedLog();
  await tamper(
    log.book,
    'DELETE FROM audit_rows WHERE sequence = 10',
    `UPDATE audit_rows SET actor = 'nobody' WHERE sequence = 20`,
  );
  await log.export();
  const found = await codes();
  expect(found).toContain('row_deleted');
  expect(found).toContain('row_edited');
});

test('a missing file, a missing manifest, and one that is none', async () => {
  await expect(verify('nothing.csv')).rejects.toMatchObject({ code: 'not_found' });
  await writeFile(log.path('alone.csv'), '');
  await expect(verify('alone.csv')).rejects.toMatchObject({ code: 'not_found' });
  for (const text of ['', 'null', '{}', '{"schema":"bursar.audit-manifest/1"}']) {
    await writeFile(log.path('alone.csv.manifest.json'), text);
    await expect(verify('alone.csv')).rejects.toMatchObject({ code: 'corrupt_file' });
  }
});

const left = async (): Promise<string[]> => (await readdir(log.path('.'))).filter((name) => !name.startsWith('book'));

test('files are for their owner only, and stand there as a whole', async () => {
  await log.append([{}]);
  await log.export();
  expect((await left()).sort()).toEqual(['audit.csv', 'audit.csv.manifest.json']);
  expect((await stat(log.path('audit.csv'))).mode & 0o777).toBe(0o600);
  expect((await stat(log.path('audit.csv.manifest.json'))).mode & 0o777).toBe(0o600);
});

test('what is there already is refused, and replaced with --force', async () => {
  await log.append([{}]);
  await writeFile(log.path('audit.csv'), 'mine');
  await expect(log.export()).rejects.toMatchObject({ code: 'output_exists' });
  await rm(log.path('audit.csv'));
  await writeFile(log.path('audit.csv.manifest.json'), 'mine');
  await expect(log.export()).rejects.toMatchObject({ code: 'output_exists' });
  expect(await left()).toEqual(['audit.csv.manifest.json']);
  expect(await log.export({ force: true })).toMatchObject({ rows: 1 });
  expect(await codes()).toEqual([]);
  expect((await left()).sort()).toEqual(['audit.csv', 'audit.csv.manifest.json']);
});

test('places where no file may be', async () => {
  await mkdir(log.path('folder'));
  await symlink('/dev/null', log.path('link'));
  for (const out of [
    log.path('folder'),
    log.path('none/audit.csv'),
    log.book.where,
    '/dev/null',
    '',
    log.path(`${'x'.repeat(300)}`),
  ]) {
    await expect(log.export({ out, manifest: log.path('m.json'), force: true })).rejects.toMatchObject({
      code: 'output_unwritable',
    });
  }
  await expect(log.export({ manifest: log.path('audit.csv') })).rejects.toMatchObject({ code: 'usage' });
  expect((await left()).sort()).toEqual(['folder', 'link']);
});

test('an export that fails leaves nothing behind, and what was there before stays', async () => {
  await log.append([{}]);
  await log.export();
  const before = await readFile(log.path('audit.csv'), 'utf8');
  const signal = AbortSignal.abort(new Error('stop'));
  await expect(log.export({ force: true, signal })).rejects.toThrow('stop');
  // The audit row of the export can't be written: then there was no export.
  await tamper(
    log.book,
    `CREATE TRIGGER no_more BEFORE INSERT ON audit_rows BEGIN SELECT RAISE(ABORT, 'no more'); END`,
  );
  await expect(log.export({ force: true })).rejects.toThrow('no more');
  await expect(log.export({ out: log.path('other.csv') })).rejects.toThrow('no more');
  expect((await left()).sort()).toEqual(['audit.csv', 'audit.csv.manifest.json']);
  expect(await readFile(log.path('audit.csv'), 'utf8')).toBe(before);
});

test('to stdout, with a manifest where one is wanted', async () => {
  await variedLog();
  const chunks: Buffer[] = [];
  const stdout = async (bytes: Buffer): Promise<void> => void chunks.push(bytes);
  expect(await log.export({ out: null, stdout })).toMatchObject({ file: null, manifest: null, rows: 35 });
  expect(Buffer.concat(chunks).toString()).toBe(plainFile((await storedRows()).slice(0, 35), 'csv'));
  const closed = async (bytes: Buffer): Promise<void> => {
    if (bytes.includes('au_')) throw new Error('closed');
  };
  await expect(log.export({ out: null, stdout: closed })).rejects.toThrow('closed');
  // It may have been read all the same, so it is in the log.
  expect((await storedRows()).at(-1)).toMatchObject({
    action: 'audit.export',
    subject: 'stdout',
    result: 'incomplete',
  });
});

test('memory does not grow with the rows: 200,000 in a heap of 64 MB', { timeout: 180_000 }, async () => {
  // Made by SQLite itself, which takes a second; their hashes are not those of the rows, which an export does not look at.
  await writeTrx(log.book, async (trx) => {
    await trx.raw(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
       INSERT INTO audit_rows (id, at, actor, host, command, subject, action, after, result, charge_id, gateway, status, currency, amount_minor, hash)
       SELECT 'au_' || i, 1770000000000 + i, 'ops', 'here', 'billing run', 'ch_' || i,
              iif(i % 3 = 0, 'sale.open', 'sale.settle'), '{"reference":"' || hex(randomblob(100)) || '"}', 'approved', 'ch_' || i,
              'simulated', 'captured', 'USD', 1250, lower(hex(randomblob(32))) FROM n`,
    );
  });
  await sealPending(log.book, log.clock);
  const program = fileURLToPath(new URL('../support/export-once.ts', import.meta.url));
  const args = ['--max-old-space-size=64', '--import', 'tsx', program, log.book.where, log.path('audit.csv')];
  const env = process.env as Record<string, string>;
  for (const [kind, rows] of [
    [[], 200_000],
    [['sale.settle'], 133_334],
  ] as const) {
    const { stdout, stderr } = await runProcess(process.execPath, [...args, ...kind], { env });
    expect(stderr).toBe('');
    const told = JSON.parse(stdout);
    expect(told.rows).toBe(rows);
    expect(told.maxRssMb).toBeLessThan(250);
  }
});
