// An operator's word: refused while proof can still be had, with what would prove it and by when; and what it makes of
// the charge, by operation.
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Attempt } from '../../src/charges/attempt.ts';
import type { Charge } from '../../src/charges/charge.ts';
import { captureCharge, refundCharge, voidCharge } from '../../src/charges/operations.ts';
import { ON_ITS_WAY_MS } from '../../src/charges/proof.ts';
import { resolveOpenAttempts } from '../../src/charges/recovery.ts';
import { type Resolution, type Resolve, resolveAttempt } from '../../src/charges/resolve.ts';
import type { Settled } from '../../src/charges/settle.ts';
import { type Answer, type KeyedBank, keyedBank } from '../support/keyed-bank.ts';
import { type TwoProcesses, twoProcesses } from '../support/two-processes.ts';

const HOUR_MS = 3_600_000;
let bank: KeyedBank;
let at: TwoProcesses;
beforeEach(() => start({}));
afterEach(() => at.close());

async function start(capabilities: Parameters<typeof keyedBank>[0]): Promise<void> {
  bank = keyedBank(capabilities);
  at = await twoProcesses(bank);
}

async function restart(capabilities: Parameters<typeof keyedBank>[0]): Promise<void> {
  await at.close();
  await start(capabilities);
}

async function sent(answer: Answer, intent: Charge['intent'] = 'sale'): Promise<Attempt> {
  const { id } = await at.due({ intent });
  bank.answers = [answer];
  await at.a.pipeline.collect(await at.a.open(id));
  await at.a.owner.release();
  return lastAttempt(id);
}

async function lastAttempt(chargeId: string): Promise<Attempt> {
  const attempt = (await at.attempts(chargeId)).at(-1);
  if (attempt === undefined) throw new Error('no attempt');
  return attempt;
}

const say = (attempt: Attempt, changes: Partial<Resolve> = {}): Promise<Settled> =>
  resolveAttempt(at.b.pipeline, {
    attemptId: attempt.id,
    as: 'not-executed',
    reason: 'seen in the dashboard',
    reference: null,
    force: false,
    dryRun: false,
    ...changes,
  });

/** That proof is possible, by these words; and with --force all the same. */
async function refusedFor(attempt: Attempt, words: string): Promise<void> {
  await expect(say(attempt)).rejects.toMatchObject({
    code: 'proof_possible',
    exitCode: 1,
    message: expect.stringContaining(words),
    hint: expect.stringContaining('--force'),
  });
  expect((await lastAttempt(attempt.chargeId)).settledAt).toBeNull();
}

test('is refused while its process lives', async () => {
  const { id } = await at.due();
  const attempt = await at.a.open(id);
  at.clock.advance(13 * HOUR_MS);
  await at.a.owner.hold();
  await refusedFor(attempt, 'its process is still at work');
});

test('is refused while the request may be sent again, and told until when', async () => {
  const attempt = await sent('lose_request');
  const until = new Date(attempt.firstSentAt + 12 * HOUR_MS).toISOString();
  await refusedFor(attempt, `sent again under its key, until ${until}`);
  at.clock.advance(12 * HOUR_MS);
  await refusedFor(attempt, until);
});

test('is refused until the gateway was asked at a time when its answer counts', async () => {
  await restart({ lookupLagMs: 20 * HOUR_MS });
  const attempt = await sent('lose_request');
  const from = new Date(attempt.lastSentAt + 20 * HOUR_MS).toISOString();
  at.clock.advance(13 * HOUR_MS);
  await refusedFor(attempt, `from ${from} on`);
  await resolveOpenAttempts(at.b.pipeline);
  await refusedFor(attempt, `from ${from} on`);
  at.clock.advance(7 * HOUR_MS);
  await refusedFor(attempt, 'which is now');
  bank.lookup = { kind: 'unavailable', reason: 'timeout' };
  await resolveOpenAttempts(at.b.pipeline);
  await refusedFor(attempt, 'which is now');
  bank.lookup = { kind: 'absent' };
  await resolveOpenAttempts(at.b.pipeline);
  expect((await say(attempt)).attempt.outcome).toBe('rejected');
});

test('is refused while what was sent again in the last moment may still be on its way', async () => {
  const attempt = await sent('lose_request');
  at.clock.advance(12 * HOUR_MS);
  bank.answers = ['lose_request'];
  await resolveOpenAttempts(at.b.pipeline);
  const resent = await lastAttempt(attempt.chargeId);
  expect(resent).toMatchObject({ sends: 2, lastSentAt: attempt.firstSentAt + 12 * HOUR_MS });
  at.clock.advance(1);
  await resolveOpenAttempts(at.b.pipeline);
  const from = new Date(resent.lastSentAt + ON_ITS_WAY_MS).toISOString();
  await refusedFor(attempt, `when its answer counts, which is from ${from} on`);
  at.clock.advance(ON_ITS_WAY_MS);
  await refusedFor(attempt, 'when its answer counts, which is now');
  await resolveOpenAttempts(at.b.pipeline);
  expect((await say(attempt)).attempt.outcome).toBe('rejected');
});

test('is refused while the gateway can close the payment', async () => {
  await restart({ absenceProof: 'cancel' });
  const attempt = await sent('lose_request');
  at.clock.advance(13 * HOUR_MS);
  bank.cancellation = { kind: 'unavailable', reason: 'timeout' };
  await resolveOpenAttempts(at.b.pipeline);
  await refusedFor(attempt, 'can close its payment object');
  bank.cancellation = { kind: 'closed' };
  await resolveOpenAttempts(at.b.pipeline);
  await expect(say(attempt)).rejects.toMatchObject({ code: 'invalid_state' });
});

test.each(['settling', 'requires_action'] as const)('is refused while the gateway has it as %s', async (answer) => {
  const attempt = await sent(answer);
  at.clock.advance(13 * HOUR_MS);
  await refusedFor(attempt, `has it as ${answer}`);
});

/** Past every proof: the key is too old, and the gateway has said that it knows nothing. */
async function unprovable(): Promise<void> {
  at.clock.advance(12 * HOUR_MS + 1);
  await resolveOpenAttempts(at.b.pipeline);
}

test.each([
  ['approved', 'captured', 'approved', 1250n],
  ['declined', 'exhausted', 'declined', 0n],
  ['not-executed', 'exhausted', 'rejected', 0n],
] as const)('past every proof a sale told as %s makes its charge %s, for good', async (as, status, outcome, minor) => {
  const attempt = await sent('lose_request');
  await unprovable();
  const preview = await say(attempt, { as, dryRun: true });
  expect(preview.charge.status).toBe(status);
  expect((await at.charge(attempt.chargeId)).status).toBe('unknown');
  const { charge, attempt: after } = await say(attempt, { as });
  expect(charge).toMatchObject({ status, capturedMinor: minor, retryAt: null });
  expect(after.outcome).toBe(outcome);
  await expect(say(attempt, { as: 'approved', force: true })).rejects.toMatchObject({ code: 'invalid_state' });
});

const CASES: [operation: 'capture' | 'void' | 'refund', as: Resolution, status: Charge['status']][] = [
  ['capture', 'approved', 'captured'],
  ['capture', 'declined', 'authorized'],
  ['capture', 'not-executed', 'authorized'],
  ['void', 'approved', 'voided'],
  ['void', 'declined', 'authorized'],
  ['void', 'not-executed', 'authorized'],
  ['refund', 'approved', 'captured'],
  ['refund', 'declined', 'captured'],
  ['refund', 'not-executed', 'captured'],
];

test.each(CASES)('a %s told as %s leaves its charge %s, never failed', async (operation, as, status) => {
  const { chargeId } = await sent('approve', operation === 'refund' ? 'sale' : 'authorize');
  bank.answers = ['lose_request'];
  const { pipeline, owner } = at.a;
  if (operation === 'capture') await captureCharge(pipeline, chargeId, null);
  else if (operation === 'void') await voidCharge(pipeline, chargeId);
  else await refundCharge(pipeline, chargeId, { amountMinor: null, reason: null, idempotencyKey: null });
  await owner.release();
  const attempt = await lastAttempt(chargeId);
  await refusedFor(attempt, 'sent again under its key');
  await unprovable();
  const { charge } = await say(attempt, { as });
  const refundedMinor = operation === 'refund' && as === 'approved' ? 1250n : 0n;
  expect(charge).toMatchObject({ status, refundedMinor, refundReservedMinor: 0n, declineCode: null });
});

test('what the operator said stands in the audit log with the reason', async () => {
  const attempt = await sent('lose_request');
  await unprovable();
  await say(attempt);
  const rows = (await at.b.book.reader.raw(
    `SELECT action, reason, result, before, after FROM audit_rows WHERE subject = ? AND reason IS NOT NULL`,
    [attempt.id],
  )) as Record<string, string>[];
  expect(rows).toMatchObject([{ action: 'sale.settle', reason: 'seen in the dashboard', result: 'rejected' }]);
  expect(rows[0]?.after).toContain('"by":"operator"');
});
