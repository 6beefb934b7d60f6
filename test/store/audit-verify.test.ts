// `audit verify` on a book that somebody has changed behind bursar's back: each kind of change is named.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hashBytes } from '../../src/audit/audit-store.ts';
import { MerkleRoot } from '../../src/audit/merkle.ts';
import { rowHash } from '../../src/audit/row-hash.ts';
import { sealHash } from '../../src/audit/seal-hash.ts';
import { select } from '../../src/storage/batch.ts';
import { type AuditBook, auditBook } from '../support/audit-book.ts';
import { tamper } from '../support/tamper.ts';

let log: AuditBook;

/** Three seals of four rows, then two rows that no seal holds. */
beforeEach(async () => {
  log = await auditBook();
  for (const seal of [1, 2, 3]) await log.append([1, 2, 3, 4].map((row) => ({ subject: `s${seal}r${row}` })));
  await log.append([{ subject: 'new' }, { subject: 'newer' }], { seal: false });
});
afterEach(() => log.close());

const row = async (sequence: number): Promise<{ id: string; hash: string }> => {
  const [found] = await select<{ id: string; hash: string }>(
    log.book.reader,
    'SELECT * FROM audit_rows WHERE sequence = ?',
    [sequence],
  );
  if (found === undefined) throw new Error(`no row ${sequence}`);
  return found;
};

const findings = async (head: string | null = null): Promise<[code: string, subject: string | null][]> => {
  const { ok, findings } = await log.verify(head);
  expect(ok).toBe(findings.length === 0);
  return findings.map(({ code, subject }) => [code, subject]);
};

const head = async (): Promise<string> => (await log.verify()).checked.head ?? '';

test('a book that nobody has changed', async () => {
  const result = await log.verify(await head());
  expect(result).toMatchObject({ ok: true, checked: { rows: 14, sealed: 12, unsealed: 2, seals: 3 }, findings: [] });
});

test('a book without any rows', async () => {
  const empty = await auditBook();
  expect(await empty.verify()).toMatchObject({ ok: true, checked: { rows: 0, seals: 0, head: null } });
  await empty.close();
});

test('hostile text is verified as it is', async () => {
  const hostile = ['\u0000', '"\\', '\r\n\t\b\f\u001f\u007f', '\u2028\u2029', 'é😀\ud800', '', '=1+1'];
  await log.append(hostile.map((text) => ({ reason: text, before: text, actor: text })));
  expect(await findings()).toEqual([]);
});

test.each([
  ['text', `reason = 'nothing happened'`],
  ['an amount', 'amount_minor = 1'],
  ['a null', 'customer_id = NULL'],
  ['the time', 'at = at + 1'],
  ['the hash', `hash = '${'0'.repeat(64)}'`],
  ['a hash that is none', `hash = 'x'`],
])('an edited row: %s', async (_, change) => {
  const { id } = await row(6);
  await tamper(log.book, `UPDATE audit_rows SET ${change} WHERE sequence = 6`);
  expect(await findings()).toContainEqual(['row_edited', id]);
});

test('an edited row that is not sealed yet', async () => {
  const { id } = await row(13);
  await tamper(log.book, `UPDATE audit_rows SET actor = 'nobody' WHERE sequence = 13`);
  expect(await findings()).toEqual([['row_edited', id]]);
});

test('an edited row with its hash made to fit: the seal tells', async () => {
  const [fields] = await select<Parameters<typeof rowHash>[0]>(
    log.book.reader,
    'SELECT * FROM audit_rows WHERE sequence = 6',
  );
  if (fields === undefined) throw new Error('no row');
  const hash = rowHash({ ...fields, actor: 'nobody' });
  await tamper(log.book, `UPDATE audit_rows SET actor = 'nobody', hash = '${hash}' WHERE sequence = 6`);
  expect(await findings()).toEqual([['seal_root', 'seal 2']]);
});

test('a deleted row, with and without its place in the seal', async () => {
  await tamper(log.book, 'DELETE FROM audit_rows WHERE sequence = 6');
  expect(await findings()).toEqual([['row_deleted', 'row 6']]);
  await tamper(log.book, 'DELETE FROM seal_members WHERE audit_sequence = 6');
  expect(await findings()).toEqual([['row_deleted', 'seal 2, leaf 1']]);
});

test('the last rows of a seal deleted', async () => {
  await tamper(
    log.book,
    'DELETE FROM audit_rows WHERE sequence IN (7, 8)',
    'DELETE FROM seal_members WHERE audit_sequence IN (7, 8)',
  );
  expect(await findings()).toEqual([['row_deleted', 'seal 2, leaves 2 to 3']]);
});

test('an inserted row: without a seal, and as one more leaf', async () => {
  const copy = `INSERT INTO audit_rows SELECT -1, 'au_x', at, actor, host, command, subject, action, before, after, result, reason,
    customer_id, charge_id, gateway, status, currency, amount_minor, hash FROM audit_rows WHERE sequence = 1`;
  await tamper(log.book, copy);
  const found = await findings();
  expect(found).toContainEqual(['row_edited', 'au_x']);
  expect(found).toContainEqual(['row_inserted', 'au_x']);
  await tamper(log.book, 'INSERT INTO seal_members VALUES (-1, 2, 4)');
  expect(await findings()).toContainEqual(['row_inserted', 'seal 2']);
});

test('rows that have changed places', async () => {
  const [a, b] = [await row(6), await row(7)];
  await tamper(
    log.book,
    'UPDATE audit_rows SET sequence = 1000 WHERE sequence = 6',
    'UPDATE audit_rows SET sequence = 6 WHERE sequence = 7',
    'UPDATE audit_rows SET sequence = 7 WHERE sequence = 1000',
  );
  const found = await findings();
  expect(found).toContainEqual(['row_reordered', a.id]);
  expect(found).toContainEqual(['seal_root', 'seal 2']);
  expect(b.id > a.id).toBe(true);
});

test('memberships that have changed places', async () => {
  const { id } = await row(6);
  await tamper(
    log.book,
    'UPDATE seal_members SET leaf_index = 99 WHERE audit_sequence = 6',
    'UPDATE seal_members SET leaf_index = 1 WHERE audit_sequence = 7',
    'UPDATE seal_members SET leaf_index = 2 WHERE audit_sequence = 6',
  );
  expect(await findings()).toContainEqual(['row_reordered', id]);
});

test('an edited, a missing and a relinked seal', async () => {
  await tamper(log.book, 'UPDATE seals SET sealed_at = sealed_at + 1 WHERE sequence = 2');
  expect(await findings()).toEqual([['seal_hash', 'seal 2']]);
  await tamper(
    log.book,
    'UPDATE seals SET sealed_at = sealed_at - 1 WHERE sequence = 2',
    'DELETE FROM seals WHERE sequence = 2',
  );
  const found = await findings();
  expect(found).toContainEqual(['seal_missing', 'seal 2']);
  expect(found).toContainEqual(['seal_chain', 'seal 3']);
});

const CUT = [
  'DELETE FROM audit_rows WHERE sequence > 8',
  'DELETE FROM seal_members WHERE seal_sequence > 2',
  'DELETE FROM seals WHERE sequence > 2',
];

test('a cut tail: told by the counter of the log, or by a head kept elsewhere', async () => {
  const kept = await head();
  await tamper(log.book, ...CUT);
  expect(await findings()).toEqual([['tail_cut', 'row 9']]);
  // Whoever thinks of the counter too is only caught with the head.
  await tamper(log.book, `UPDATE sqlite_sequence SET seq = 8 WHERE name = 'audit_rows'`);
  expect(await findings()).toEqual([]);
  expect(await findings(kept)).toEqual([['head_missing', kept]]);
});

test('a head of long ago still holds', async () => {
  const [seal] = await select<{ seal_hash: string }>(log.book.reader, 'SELECT seal_hash FROM seals WHERE sequence = 1');
  expect(await findings(seal?.seal_hash)).toEqual([]);
});

test('a chain that was rewritten as a whole is only caught against a head kept elsewhere', async () => {
  const kept = await head();
  await tamper(log.book, `UPDATE audit_rows SET actor = 'nobody' WHERE sequence = 6`);
  await rewriteEverything();
  expect(await findings()).toEqual([]);
  expect(await findings(kept)).toEqual([['head_missing', kept]]);
});

/** What bursar itself would have written over the rows as they are now. */
async function rewriteEverything(): Promise<void> {
  const rows = await select<Parameters<typeof rowHash>[0] & { sequence: number }>(
    log.book.reader,
    'SELECT * FROM audit_rows',
  );
  const statements = rows.map(
    (fields) => `UPDATE audit_rows SET hash = '${rowHash(fields)}' WHERE sequence = ${fields.sequence}`,
  );
  let previous: Buffer | null = null;
  for (const seal of await select<{ sequence: number; sealed_at: number }>(
    log.book.reader,
    'SELECT * FROM seals ORDER BY sequence',
  )) {
    const tree = new MerkleRoot();
    const first = (seal.sequence - 1) * 4;
    for (const fields of rows.slice(first, first + 4)) tree.add(hashBytes(rowHash(fields)));
    const hash = sealHash({ previousSealHash: previous, root: tree.root(), count: 4, sealedAtMs: seal.sealed_at });
    statements.push(
      `UPDATE seals SET root = '${tree.root().toString('hex')}', seal_hash = '${hash.toString('hex')}',
        previous_seal_hash = '${(previous ?? Buffer.alloc(32)).toString('hex')}' WHERE sequence = ${seal.sequence}`,
    );
    previous = hash;
  }
  await tamper(log.book, ...statements);
}

test('thousands of wrong rows are counted, a few are named', async () => {
  await log.append(Array.from({ length: 2000 }, () => ({})));
  await tamper(log.book, `UPDATE audit_rows SET actor = 'nobody'`);
  const { findings } = await log.verify();
  expect(findings.filter(({ code }) => code === 'row_edited')).toHaveLength(21);
  expect(findings.at(-1)?.message).toBe('At least 1994 more of the same kind.');
});
