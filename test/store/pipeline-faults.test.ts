// Nothing is sent twice, lost or left behind when a commit is not confirmed or a policy is gone, with a bank that would
// execute every new key.
import type { Knex } from 'knex';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Attempt } from '../../src/charges/attempt.ts';
import { resolveOpenAttempts } from '../../src/charges/recovery.ts';
import { BursarError } from '../../src/errors.ts';
import type { Book } from '../../src/storage/open.ts';
import { held, type KeyedBank, keyedBank } from '../support/keyed-bank.ts';
import { type TwoProcesses, twoProcesses } from '../support/two-processes.ts';

let bank: KeyedBank;
let at: TwoProcesses;
beforeEach(async () => {
  bank = keyedBank();
  at = await twoProcesses(bank);
});
afterEach(() => at.close());

test('a charge whose policy is gone is settled, and holds back nobody else of its batch', async () => {
  const names = ['standard', 'gone', 'gone', 'standard'];
  const attempts: Attempt[] = [];
  for (const policy of names) attempts.push(await at.a.open((await at.due({ policy })).id));
  at.missing.add('gone');
  bank.answers = ['approve', 'decline', 'approve', 'decline'];
  const settled = await Promise.allSettled(attempts.map((attempt) => at.a.pipeline.collect(attempt)));
  expect(settled.map(({ status }) => status)).toEqual(names.map(() => 'fulfilled'));
  const charges = await Promise.all(attempts.map(({ chargeId }) => at.charge(chargeId)));
  expect(charges.map(({ status, retryRule }) => [status, retryRule])).toEqual([
    ['captured', null],
    ['exhausted', 'policy_missing'],
    ['captured', null],
    ['failed', 'standard/soft#1'],
  ]);
  expect(await at.ledger()).toMatchObject({ 'revenue:sales': 2500n });
});

test('a fault of ours in settling one charge is not shared by its batch', async () => {
  const attempts: Attempt[] = [];
  for (const policy of ['standard', 'broken', 'standard'])
    attempts.push(await at.a.open((await at.due({ policy })).id));
  const { context } = at.a.pipeline;
  const { policy } = context;
  context.policy = (name) => {
    if (name === 'broken') throw new Error('a bug');
    return policy(name);
  };
  bank.otherwise = 'decline';
  const settled = await Promise.allSettled(attempts.map((attempt) => at.a.pipeline.collect(attempt)));
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  const statuses = await Promise.all(attempts.map(async ({ chargeId }) => (await at.charge(chargeId)).status));
  expect(statuses).toEqual(['failed', 'processing', 'failed']);
  await at.a.die();
  expect(await resolveOpenAttempts(at.b.pipeline)).toMatchObject({ resolved: 1, open: 0 });
});

test('an attempt whose gateway is gone stays unknown, and holds back no other in recovery', async () => {
  const [lost, other] = [await at.due({ gateway: 'gone' }), await at.due()];
  bank.answers = ['lose_answer', 'lose_answer'];
  for (const { id } of [lost, other]) await at.a.pipeline.collect(await at.a.open(id));
  const { context } = at.b.pipeline;
  context.gateway = async (name) => {
    if (name === 'gone') throw new BursarError('unknown_gateway', 'There is no gateway "gone".');
    return bank.gateway;
  };
  expect(await resolveOpenAttempts(at.b.pipeline)).toMatchObject({
    resolved: 1,
    open: 1,
    errors: [{ code: 'unknown_gateway' }],
  });
  expect([(await at.charge(lost.id)).status, (await at.charge(other.id)).status]).toEqual(['unknown', 'captured']);
  expect(await at.attempts(lost.id)).toMatchObject([{ outcome: 'unknown', ownerId: null, sends: 1 }]);
});

test('a charge whose policy is gone is not opened, and holds back nobody else of its page', async () => {
  const [lost, other] = [await at.due({ policy: 'gone' }), await at.due()];
  at.missing.add('gone');
  const { run, error } = await at.a.run(at.clock.nowMs());
  expect([run.stoppedBy, error?.message]).toEqual(['configuration', 'There is no retry policy "gone".']);
  expect([bank.sendsOf(lost.id), bank.executionsOf(other.id)]).toEqual([0, 1]);
  expect((await at.charge(lost.id)).status).toBe('pending');
});

/** The next commit of the book stands, or does not, and is not confirmed either way. */
function unconfirm(book: Book, nth: number, stands: boolean): void {
  const { db } = book;
  const transaction = db.transaction.bind(db) as <T>(work: (trx: Knex.Transaction) => Promise<T>) => Promise<T>;
  let count = 0;
  const replaced = async <T>(work: (trx: Knex.Transaction) => Promise<T>): Promise<T> => {
    count += 1;
    if (count !== nth) return transaction(work);
    await transaction(async (trx) => {
      await work(trx);
      if (!stands) throw new Error('disk I/O error');
    });
    throw new Error('disk I/O error');
  };
  Object.defineProperty(db, 'transaction', { value: replaced, configurable: true });
}

test('an open whose commit was not confirmed but stands is reread, and sent once', async () => {
  const { id } = await at.due();
  await at.a.owner.hold();
  unconfirm(at.a.book, 1, true);
  const attempt = await at.a.open(id);
  expect(await at.a.pipeline.collect(attempt)).toMatchObject({ charge: { status: 'captured' }, attempt: { sends: 1 } });
  expect([bank.sendsOf(id), bank.executionsOf(id), (await at.attempts(id)).length]).toEqual([1, 1, 1]);
});

test.each(['in one batch', 'one after the other'])(
  'two requests for one charge, %s, go on with one attempt when a commit is not confirmed',
  async (how) => {
    const { id } = await at.due();
    await at.a.owner.hold();
    const request = { kind: 'collect', chargeId: id, asOfMs: at.clock.nowMs(), runId: null } as const;
    const first = how === 'in one batch' ? null : await at.a.pipeline.open(request);
    unconfirm(at.a.book, 1, true);
    const requests = first === null ? [request, request] : [request];
    const opened = await Promise.allSettled(requests.map((each) => at.a.pipeline.open(each)));
    const attempts = [
      ...opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : [])),
      first ?? [],
    ].flat();
    expect(attempts).toMatchObject([{ kind: 'opened' }]);
    expect(opened.filter(({ status }) => status === 'rejected')).toMatchObject([
      { reason: { code: 'commit_unknown' } },
    ]);
    for (const each of attempts) if (each.kind === 'opened') await at.a.pipeline.collect(each.attempt);
    expect([bank.sendsOf(id), bank.executionsOf(id)]).toEqual([1, 1]);
  },
);

test('an open whose commit does not stand sends nothing and leaves the charge due', async () => {
  const { id } = await at.due();
  await at.a.owner.hold();
  unconfirm(at.a.book, 1, false);
  await expect(at.a.open(id)).rejects.toMatchObject({ code: 'commit_unknown' });
  expect([bank.sends.length, (await at.charge(id)).status]).toEqual([0, 'pending']);
  await at.b.run(at.clock.nowMs());
  expect([bank.sendsOf(id), bank.executionsOf(id)]).toEqual([1, 1]);
});

test.each([true, false])(
  'an answer whose commit was not confirmed is booked once, if it stands: %s',
  async (stands) => {
    const { id } = await at.due();
    const attempt = await at.a.open(id);
    unconfirm(at.a.book, 1, stands);
    expect(await at.a.pipeline.collect(attempt)).toMatchObject({
      charge: { status: 'captured', capturedMinor: 1250n },
    });
    expect(await at.ledger()).toMatchObject({ 'revenue:sales': 1250n });
    expect([bank.sendsOf(id), bank.executionsOf(id)]).toEqual([1, 1]);
  },
);

test.each([true, false])('a resend whose count was not confirmed does not leave, if it stands: %s', async (stands) => {
  const { id } = await at.due();
  bank.answers = ['lose_answer'];
  await at.a.pipeline.collect(await at.a.open(id));
  await at.b.owner.hold();
  // The first commit takes the attempt over.
  unconfirm(at.b.book, 2, stands);
  await resolveOpenAttempts(at.b.pipeline).catch(() => undefined);
  const [attempt] = await at.attempts(id);
  expect(bank.sendsOf(id)).toBeLessThanOrEqual(attempt?.sends ?? 0);
  await at.b.die();
  await resolveOpenAttempts(at.a.pipeline);
  expect([bank.keysOf(id).size, bank.executionsOf(id), (await at.charge(id)).status]).toEqual([1, 1, 'captured']);
});

test.each(['approve', 'decline', 'throttle', 'lose_request'] as const)(
  'a late "%s" after the attempt was taken over and approved changes nothing',
  async (answer) => {
    const { id } = await at.due();
    const attempt = await at.a.open(id);
    const slow = held(answer);
    bank.answers = [slow];
    const collected = at.a.pipeline.collect(attempt);
    await slow.arrived;
    await at.a.die();
    await resolveOpenAttempts(at.b.pipeline);
    const charge = await at.charge(id);
    slow.release();
    expect(await collected).toMatchObject({ charge, attempt: { outcome: 'approved', late: false } });
    expect([bank.keysOf(id).size, bank.executionsOf(id), charge.capturedMinor]).toEqual([1, 1, 1250n]);
    expect(await at.ledger()).toMatchObject({ 'revenue:sales': 1250n });
  },
);
