// What keeps a charge from being sent twice when the bank does not: one key for every resend, ownership and epoch, the
// lease, the age of the key, the kill switch, and what may be sent again at all.
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Attempt } from '../../src/charges/attempt.ts';
import type { Charge } from '../../src/charges/charge.ts';
import { pause } from '../../src/charges/pause.ts';
import { resolveOpenAttempts } from '../../src/charges/recovery.ts';
import { LEASE_MS } from '../../src/storage/lease.ts';
import { writeTrx } from '../../src/storage/trx.ts';
import { type Answer, held, type KeyedBank, keyedBank } from '../support/keyed-bank.ts';
import { type TwoProcesses, twoProcesses } from '../support/two-processes.ts';

const HOUR_MS = 3_600_000;
let bank: KeyedBank;
let at: TwoProcesses;
beforeEach(async () => {
  bank = keyedBank();
  at = await twoProcesses(bank);
});
afterEach(() => at.close());

/** The same with another bank. */
async function restart(capabilities: Parameters<typeof keyedBank>[0]): Promise<void> {
  await at.close();
  bank = keyedBank(capabilities);
  at = await twoProcesses(bank);
}

/** A charge that process A has sent, answered so. */
async function sent(answer: Answer, policy = 'standard'): Promise<Charge> {
  const { id } = await at.due({ policy });
  bank.answers = [answer];
  await at.a.pipeline.collect(await at.a.open(id));
  await at.a.owner.release();
  return at.charge(id);
}

async function onlyAttempt(chargeId: string): Promise<Attempt> {
  const [attempt, ...others] = await at.attempts(chargeId);
  if (attempt === undefined || others.length > 0) throw new Error('not one attempt');
  return attempt;
}

const change = (sql: string, id: string) => writeTrx(at.b.book, (trx) => trx.raw(sql, [id]));

test('what was executed unseen is sent again with the same key and body, and executed once', async () => {
  const { id } = await sent('lose_answer');
  expect(await resolveOpenAttempts(at.b.pipeline)).toMatchObject({ resolved: 1, open: 0 });
  const [first, second] = bank.sends;
  expect(bank.sends).toHaveLength(2);
  expect(second).toEqual(first);
  expect(bank.executionsOf(id)).toBe(1);
  expect(await at.charge(id)).toMatchObject({ status: 'captured', capturedMinor: 1250n });
  expect(await onlyAttempt(id)).toMatchObject({ outcome: 'approved', sends: 2 });
});

test('an attempt that was taken over between open and send is not sent by its old owner', async () => {
  const { id } = await at.due();
  const attempt = await at.a.open(id);
  await at.a.die();
  expect(await resolveOpenAttempts(at.b.pipeline)).toMatchObject({ resolved: 1, open: 0 });
  const collected = await at.a.pipeline.collect(attempt);
  expect(collected).toMatchObject({ outcome: null, charge: { status: 'captured' }, attempt: { epoch: 2 } });
  expect([bank.sendsOf(id), bank.executionsOf(id)]).toEqual([1, 1]);
});

test.each([
  ['another owner', `UPDATE attempts SET owner_id = 'own_other' WHERE id = ?`],
  ['no owner', 'UPDATE attempts SET owner_id = NULL WHERE id = ?'],
  ['the same owner under another epoch', 'UPDATE attempts SET epoch = epoch + 1 WHERE id = ?'],
])('an attempt that has %s by now is not sent', async (_, sql) => {
  const { id } = await at.due();
  const attempt = await at.a.open(id);
  await change(sql, attempt.id);
  expect(await at.a.pipeline.collect(attempt)).toMatchObject({ outcome: null, charge: { status: 'processing' } });
  expect(bank.sends).toEqual([]);
});

test.each([
  ['another owner', `UPDATE attempts SET owner_id = 'own_other' WHERE id = ?`],
  ['the same owner under another epoch', 'UPDATE attempts SET epoch = epoch + 1 WHERE id = ?'],
])('an attempt that has %s by the end of its lookup is neither counted nor sent again', async (_, sql) => {
  const { id } = await sent('lose_request');
  const { id: attemptId } = await onlyAttempt(id);
  bank.duringLookup = async () => {
    await change(sql, attemptId);
  };
  await resolveOpenAttempts(at.b.pipeline);
  expect(bank.sendsOf(id)).toBe(1);
  expect(await onlyAttempt(id)).toMatchObject({ outcome: 'unknown', sends: 1, unprovenSends: 1 });
});

test('what settles while recovery waits for its lease is left alone', async () => {
  const { id } = await at.due();
  const attempt = await at.a.open(id);
  const hold = at.b.owner.hold.bind(at.b.owner);
  at.b.owner.hold = async () => {
    await hold();
    await at.a.pipeline.collect(attempt);
  };
  expect(await resolveOpenAttempts(at.b.pipeline)).toMatchObject({ resolved: 0, open: 0 });
  expect(await onlyAttempt(id)).toMatchObject({ outcome: 'approved', epoch: 1, ownerId: null });
  expect([bank.sends.length, bank.lookups.length]).toEqual([1, 0]);
});

test.each([
  [LEASE_MS - 1, 1],
  [LEASE_MS, 0],
])('a process that wakes up %i ms after its open sends %i times', async (durationMs, sends) => {
  const { id } = await at.due();
  const attempt = await at.a.open(id);
  at.clock.advance(durationMs);
  await at.a.pipeline.collect(attempt);
  expect(bank.sendsOf(id)).toBe(sends);
});

const KEY_AGES: [string, number | null, number, boolean][] = [
  ['half of its retention old', 24 * HOUR_MS, 12 * HOUR_MS, true],
  ['over half of its retention old', 24 * HOUR_MS, 12 * HOUR_MS + 1, false],
  ['half an hour old, with no retention published', null, HOUR_MS / 2, true],
  ['over half an hour old, with no retention published', null, HOUR_MS / 2 + 1, false],
];

test.each(KEY_AGES)('the first send of a key that is %s', async (_, keyRetentionMs, ageMs, isSent) => {
  await restart({ keyRetentionMs });
  const { id } = await at.due();
  const attempt = await at.a.open(id);
  at.clock.advance(ageMs);
  // A process that has renewed its lease all the while.
  await at.a.owner.hold();
  const { outcome } = await at.a.pipeline.collect(attempt);
  expect(outcome).toMatchObject(isSent ? { kind: 'approved' } : { kind: 'rejected', providerCode: 'key_too_old' });
  expect(bank.sendsOf(id)).toBe(isSent ? 1 : 0);
});

test.each(KEY_AGES)('the resend of a key that is %s', async (_, keyRetentionMs, ageMs, isSent) => {
  await restart({ keyRetentionMs });
  const { id } = await sent('lose_request');
  at.clock.advance(ageMs);
  await resolveOpenAttempts(at.b.pipeline);
  expect(bank.lookups).toHaveLength(1);
  expect(bank.sendsOf(id)).toBe(isSent ? 2 : 1);
  expect(await onlyAttempt(id)).toMatchObject(
    isSent ? { outcome: 'approved', sends: 2 } : { outcome: 'unknown', sends: 1, unprovenSends: 1 },
  );
});

test('recovery leaves a living process its attempts, sent or about to be', async () => {
  const [waiting, onItsWay] = [await at.due(), await at.due()];
  await at.a.open(waiting.id);
  const attempt = await at.a.open(onItsWay.id);
  const first = held('approve');
  bank.answers = [first];
  const collected = at.a.pipeline.collect(attempt);
  await first.arrived;
  expect(await resolveOpenAttempts(at.b.pipeline)).toMatchObject({ resolved: 0, open: 0 });
  expect(bank.lookups).toEqual([]);
  expect(await onlyAttempt(waiting.id)).toMatchObject({ outcome: null, epoch: 1, ownerId: at.a.owner.id });
  first.release();
  expect(await collected).toMatchObject({ charge: { status: 'captured' }, attempt: { epoch: 1, sends: 1 } });
  expect(bank.sends).toHaveLength(1);
});

test.each(['settling', 'requires_action'] as const)(
  '%s is looked up, never sent again or cancelled',
  async (answer) => {
    await restart({ absenceProof: 'cancel' });
    bank.cancellation = { kind: 'closed' };
    const { id, status } = await sent(answer);
    expect(status).toBe(answer);
    expect(await resolveOpenAttempts(at.b.pipeline)).toMatchObject({ resolved: 0, open: 1 });
    expect([bank.lookups.length, bank.sends.length, bank.cancels.length]).toEqual([1, 1, 0]);
    expect((await at.charge(id)).status).toBe(answer);
  },
);

test('a lookup that is not answered proves nothing and sends nothing', async () => {
  await restart({ absenceProof: 'cancel' });
  bank.cancellation = { kind: 'closed' };
  const { id } = await sent('lose_answer');
  bank.lookup = { kind: 'unavailable', reason: 'timeout' };
  expect(await resolveOpenAttempts(at.b.pipeline)).toMatchObject({ resolved: 0, open: 1 });
  expect([bank.sends.length, bank.cancels.length]).toEqual([1, 0]);
  expect(await onlyAttempt(id)).toMatchObject({ outcome: 'unknown', sends: 1, ownerId: null });
});

test.each(['keyed', '*'])('a pause of %s that comes after the open holds the send back', async (scope) => {
  const { id } = await at.due();
  const attempt = await at.a.open(id);
  await pause(at.b.pipeline.context, scope, 'incident');
  expect(await at.a.pipeline.collect(attempt)).toMatchObject({
    attempt: { outcome: 'rejected', declineCode: 'paused' },
    charge: { status: 'pending', softDeclines: 0, transportFailures: 0 },
  });
  expect(bank.sends).toEqual([]);
});

test.each(['keyed', '*'])('under a pause of %s recovery asks, and neither counts nor sends', async (scope) => {
  const { id } = await sent('lose_request');
  await pause(at.a.pipeline.context, scope, 'incident');
  expect(await resolveOpenAttempts(at.b.pipeline)).toMatchObject({ resolved: 0, open: 1 });
  expect([bank.lookups.length, bank.sends.length]).toEqual([1, 1]);
  expect(await onlyAttempt(id)).toMatchObject({ outcome: 'unknown', sends: 1, unprovenSends: 1 });
});

const REJECTIONS = ['refuse_connection', 'throttle', 'unauthorized'] as const;

test.each(REJECTIONS)('a resend that meets "%s" says nothing of the first send', async (answer) => {
  const { id } = await sent('lose_answer');
  bank.answers = [answer];
  expect(await resolveOpenAttempts(at.b.pipeline)).toMatchObject({ resolved: 0, open: 1 });
  expect((await at.charge(id)).status).toBe('unknown');
  expect(await onlyAttempt(id)).toMatchObject({ outcome: 'unknown', sends: 2, unprovenSends: 1, declineCode: null });
  // Nor does the next one, until a send is answered.
  bank.answers = [answer];
  expect(await resolveOpenAttempts(at.b.pipeline)).toMatchObject({ resolved: 0, open: 1 });
  expect(await onlyAttempt(id)).toMatchObject({ outcome: 'unknown', sends: 3, unprovenSends: 1 });
  expect(await resolveOpenAttempts(at.b.pipeline)).toMatchObject({ resolved: 1, open: 0 });
  expect([bank.executionsOf(id), (await at.charge(id)).status]).toEqual([1, 'captured']);
});

test.each(REJECTIONS)('an attempt is rejected once every send has met "%s"', async (answer) => {
  const { id } = await at.due();
  const attempt = await at.a.open(id);
  const first = held(answer);
  bank.answers = [first, answer];
  const collected = at.a.pipeline.collect(attempt);
  await first.arrived;
  await at.a.die();
  expect(await resolveOpenAttempts(at.b.pipeline)).toMatchObject({ resolved: 0, open: 1 });
  expect(await onlyAttempt(id)).toMatchObject({ outcome: 'unknown', sends: 2, unprovenSends: 1 });
  first.release();
  expect(await collected).toMatchObject({ attempt: { outcome: 'rejected', sends: 2, unprovenSends: 0 } });
  expect(bank.executed).toEqual([]);
});

test('a send that is stopped right before its socket does not leave', async () => {
  const { id } = await at.due();
  const attempt = await at.a.open(id);
  let asked = 0;
  const stopped = (): boolean => {
    asked += 1;
    return true;
  };
  expect(await at.a.pipeline.collect(attempt, stopped)).toMatchObject({
    outcome: { kind: 'rejected', providerCode: 'stopped' },
    charge: { status: 'pending' },
  });
  expect([asked, bank.sends.length]).toEqual([1, 0]);
});

test('a pause that is thrown between the count of a resend and its socket holds it back', async () => {
  const { id } = await sent('lose_request');
  // The pause stands as soon as the count does.
  await at.a.book.db.raw(`CREATE TRIGGER pause_at_count AFTER UPDATE OF sends ON attempts WHEN NEW.sends > OLD.sends
    BEGIN INSERT INTO pauses (scope, reason, actor, since) VALUES ('*', 'incident', 'tester', 0); END`);
  await resolveOpenAttempts(at.b.pipeline);
  expect(bank.sendsOf(id)).toBe(1);
  expect(await onlyAttempt(id)).toMatchObject({ outcome: 'unknown', sends: 2, unprovenSends: 1 });
});

test.each([
  ['lookups that lag', { lookupLagMs: HOUR_MS }],
  ['a payment that is closed', { absenceProof: 'cancel' as const }],
])('a resend by a process whose lease ran out during its lookup is not sent: %s', async (_, capabilities) => {
  await restart(capabilities);
  bank.cancellation = { kind: 'closed' };
  const { id } = await sent('lose_request');
  at.clock.advance(HOUR_MS);
  bank.duringLookup = async () => at.clock.advance(LEASE_MS);
  await resolveOpenAttempts(at.b.pipeline);
  expect([bank.sendsOf(id), bank.cancels.length]).toEqual([1, 0]);
  expect((await onlyAttempt(id)).outcome).toBe('unknown');
});
