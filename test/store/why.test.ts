// A charge's story as it is read out of a book: in order, with the rule behind each step, and nothing personal.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sealPending } from '../../src/audit/seal.ts';
import { cancelCharge } from '../../src/charges/cancel.ts';
import type { Charge } from '../../src/charges/charge.ts';
import { chargesById } from '../../src/charges/charges-store.ts';
import { refundCharge, replayCharges } from '../../src/charges/operations.ts';
import { resolveOpenAttempts } from '../../src/charges/recovery.ts';
import { resolveAttempt } from '../../src/charges/resolve.ts';
import type { StepKind, StoryStep } from '../../src/inspection/why/step.ts';
import { type Why, why } from '../../src/inspection/why/why.ts';
import { findPolicy } from '../../src/retries/policy.ts';
import { type SchedulesBook, schedulesBook } from '../support/schedules-book.ts';
import { DECLINED, NOT_REACHED, scripted, UNKNOWN } from '../support/scripted-gateway.ts';
import { tamper } from '../support/tamper.ts';

let book: SchedulesBook;
const script = scripted();
beforeEach(async () => {
  Object.assign(script, { sends: [], lookups: [], cancels: [] });
  book = await schedulesBook(script.wrap);
});
afterEach(() => book.close());

async function tell({ id }: Pick<Charge, 'id'>): Promise<Why> {
  const { reader } = book.book;
  const charge = (await chargesById(reader, [id])).get(id);
  if (charge === undefined) throw new Error(`no charge ${id}`);
  const rules = { policy: findPolicy, gateways: ['simulated'], nowMs: book.clock.nowMs(), timezone: 'UTC' };
  return why(reader, charge, rules);
}

const kinds = ({ steps }: Why): StepKind[] => steps.map(({ kind }) => kind);
const stepOf = ({ steps }: Why, kind: StepKind): StoryStep => {
  const step = steps.find((each) => each.kind === kind);
  if (step === undefined) throw new Error(`no step ${kind}: ${steps.map((each) => each.kind).join(', ')}`);
  return step;
};

test('a sale and its refund: postings and events stand behind what caused them', async () => {
  const { charge } = await book.create('tok_approved', { description: 'Ada asked for it', metadata: { vat: 'DE1' } });
  await refundCharge(book.pipeline, charge.id, { amountMinor: 250n, reason: 'goodwill', idempotencyKey: null });
  const story = await tell(charge);
  expect(kinds(story)).toEqual([
    ...(['created', 'published', 'opened', 'answered', 'posted', 'published'] as const),
    ...(['opened', 'answered', 'posted', 'published'] as const),
  ]);
  expect(stepOf(story, 'posted')).toMatchObject({
    what: 'Posted as captured: 12.50 USD, debit assets:gateway:simulated, credit revenue:sales.',
    actor: 'tester',
    entryId: expect.stringMatching(/^je_/),
  });
  expect(stepOf(story, 'answered').status).toEqual({ from: 'processing', to: 'captured' });
  expect(story.next).toMatchObject({
    rule: 'captured',
    actions: [{ command: expect.stringContaining('charges refund') }],
  });
  // What a person has written stands encrypted in the audit log, and does not come out of it here.
  const text = JSON.stringify(story.steps);
  for (const word of ['Ada asked', 'DE1', 'aes256gcm']) expect(text).not.toContain(word);
});

test('the seal of each row, and what is not sealed yet', async () => {
  const { charge } = await book.create('tok_approved');
  await sealPending(book.book, book.clock);
  await refundCharge(book.pipeline, charge.id, { amountMinor: null, reason: null, idempotencyKey: null });
  const seals = (await tell(charge)).steps.filter(({ auditId }) => auditId !== null).map(({ seal }) => seal?.sequence);
  expect(seals).toEqual([1, 1, 1, undefined, undefined]);
});

test('a period: its schedule, its run, each rule, and the last word of the policy', async () => {
  const schedule = await book.schedule('tok_approved');
  script.sends.push(DECLINED, DECLINED, NOT_REACHED, DECLINED, DECLINED, DECLINED);
  for (const day of ['01-31', '02-03', '02-08', '02-09', '02-15', '02-24', '03-08']) {
    await book.billAt(`2026-${day}T10:00:00Z`);
  }
  const charge = (await book.chargesOf(schedule)).find(({ period }) => period === '2026-01-31');
  if (charge === undefined) throw new Error('no charge');
  const story = await tell(charge);
  expect(story.steps[0]).toMatchObject({ kind: 'scheduled', what: expect.stringContaining('every 1 month') });
  expect(stepOf(story, 'created').what).toContain(`for period 2026-01-31 of schedule ${schedule.id}`);
  expect(stepOf(story, 'opened').runId).toMatch(/^run_/);
  const ruled = story.steps.filter(({ kind }) => kind === 'answered').map(({ rule, reason }) => [rule, reason]);
  expect(ruled).toEqual([
    ['standard/soft#1', 'do_not_honor may pass later.'],
    ['standard/soft#2', 'do_not_honor may pass later.'],
    ['transport-backoff#1', 'Not executed; the gateway was not reached.'],
    ['standard/soft#3', 'do_not_honor may pass later.'],
    ['standard/soft#4', 'do_not_honor may pass later.'],
    ['max_attempts', 'do_not_honor: soft decline 5, after which standard does not try again.'],
  ]);
  expect(story.next).toMatchObject({ status: 'exhausted', rule: 'max_attempts', fixableBy: 'operator' });
});

test('an owner that is gone, and what a lookup found', async () => {
  script.sends.push(UNKNOWN);
  const { charge } = await book.create('tok_approved');
  // As a process leaves it that dies between its send and its settle.
  await tamper(
    book.book,
    `UPDATE attempts SET outcome = NULL, owner_id = 'own_gone'`,
    `UPDATE charges SET status = 'processing'`,
    `DELETE FROM audit_rows WHERE action = 'sale.settle'`,
    `DELETE FROM events WHERE type = 'charge.unknown.v1'`,
  );
  script.lookups.push({
    kind: 'found',
    outcome: { kind: 'approved', reference: 'bp_9', amountMinor: 1250n, providerCode: null },
  });
  await resolveOpenAttempts(book.pipeline);
  const story = await tell(charge);
  expect(kinds(story)).toContain('owner_gone');
  expect(stepOf(story, 'owner_gone').what).toContain('was gone');
  expect(stepOf(story, 'looked_up').what).toContain('approved, reference bp_9');
  expect(kinds(story).indexOf('owner_gone')).toBeLessThan(kinds(story).indexOf('looked_up'));
});

test("an operator's word, a replay, a blocked method", async () => {
  script.sends.push(UNKNOWN);
  const { charge } = await book.create('tok_approved');
  const open = stepOf(await tell(charge), 'opened').attemptId ?? '';
  const word = { reason: 'the bank has nothing', reference: null, force: true, dryRun: false };
  await resolveAttempt(book.pipeline, { attemptId: open, as: 'not-executed', ...word });
  script.sends.push({ ...DECLINED, decline: 'lost_card' } as typeof DECLINED);
  await replayCharges(book.pipeline, [charge.id], 'she called');
  const story = await tell(charge);
  expect(stepOf(story, 'resolved')).toMatchObject({ rule: 'operator', operatorReason: 'the bank has nothing' });
  expect(stepOf(story, 'replayed')).toMatchObject({
    operatorReason: 'she called',
    status: { from: 'exhausted', to: 'pending' },
  });
  expect(stepOf(story, 'method_blocked').what).toContain('lost_card');
  expect(story.next.actions[0]?.command).toContain('methods add');
});

test('a cancelled charge', async () => {
  script.sends.push(DECLINED);
  const { charge } = await book.create('tok_approved', { policy: 'standard' });
  await cancelCharge(book.pipeline, charge.id, 'paid in cash');
  const story = await tell(charge);
  expect(kinds(story).slice(-3)).toEqual(['closing', 'cancelled', 'published']);
  expect(stepOf(story, 'cancelled').operatorReason).toBe('paid in cash');
});

test('an open refund is told before anything else', async () => {
  const { charge } = await book.create('tok_approved');
  script.sends.push(UNKNOWN);
  await refundCharge(book.pipeline, charge.id, { amountMinor: null, reason: null, idempotencyKey: null });
  expect((await tell(charge)).next).toMatchObject({
    status: 'captured',
    rule: 'proof_first',
    actions: [{ command: 'bursar billing run' }],
  });
});

test('rows that the clock has put elsewhere are found all the same', async () => {
  const { charge } = await book.create('tok_approved');
  await tamper(
    book.book,
    `UPDATE charges SET created_at = created_at + 864000000, updated_at = updated_at + 864000000`,
  );
  await tamper(book.book, `UPDATE attempts SET opened_at = opened_at + 864000000, settled_at = settled_at + 864000000`);
  expect(kinds(await tell(charge))).toContain('created');
});
